/** The playground's scripts with an authorization server of another kind: each endpoint at a host of its own, and only the needed ones. */
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { createPlayground } from '../src/playground/app.ts';
import { otherIssuer } from '../src/playground/issuers.ts';
import { expect, test } from './test.ts';

const CLIENT_ID = 'their-spa';

const servers: Server[] = [];
test.afterAll(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

async function listening(): Promise<{ server: Server; url: string }> {
  const server = createServer().listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return { server, url: `http://localhost:${(server.address() as AddressInfo).port}` };
}

/** Answers by path, to scripts of any origin. */
function answering(answers: Readonly<Record<string, unknown>>): RequestListener {
  return (request, response) => {
    const path = request.url?.split('?')[0] ?? '';
    const answer = answers[path];
    response.setHeader('access-control-allow-origin', '*');
    response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer));
  };
}

/** Whoever is sent to the authorization endpoint is back at once, with a code. */
async function startAuthorizationServer() {
  const [front, tokens, keys] = await Promise.all([listening(), listening(), listening()]);
  const issuer = `${front.url}/tenant/`;
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const metadata = {
    issuer,
    authorization_endpoint: `${front.url}/authorize`,
    token_endpoint: `${tokens.url}/token`,
    jwks_uri: `${keys.url}/keys`,
    response_types_supported: ['code'],
  };
  const published = answering({ '/tenant/.well-known/openid-configuration': metadata });
  let idToken = '';
  front.server.on('request', async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', front.url);
    if (pathname !== '/authorize') {
      return published(request, response);
    }
    idToken = await new SignJWT({ nonce: searchParams.get('nonce') })
      .setProtectedHeader({ alg: 'ES256', kid: 'theirs' })
      .setIssuer(issuer)
      .setAudience(CLIENT_ID)
      .setSubject('somebody')
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(privateKey);
    const back = new URL(searchParams.get('redirect_uri') ?? '');
    back.search = String(new URLSearchParams({ code: 'a-code', state: searchParams.get('state') ?? '' }));
    return response.writeHead(303, { location: back.href }).end();
  });
  tokens.server.on('request', (request, response) => {
    const answer = { access_token: 'a-token', token_type: 'Bearer', expires_in: 60, id_token: idToken };
    answering({ '/token': answer })(request, response);
  });
  const jwk = { ...(await exportJWK(publicKey)), kid: 'theirs', alg: 'ES256' };
  keys.server.on('request', answering({ '/keys': { keys: [jwk] } }));
  return issuer;
}

test('authorization code in the browser: reaches every endpoint, and offers what there is one for', async ({
  page,
}) => {
  const issuer = await startAuthorizationServer();
  const { server, url } = await listening();
  const clients = { spa: { clientId: CLIENT_ID } };
  server.on('request', createPlayground({ issuers: [otherIssuer({ issuer, clients })], ownUrl: url }).callback());

  await page.goto(`${url}/flows/single-page-app`);
  await page.getByTestId('grant-single-page-app').click();
  await expect(page.getByTestId('result')).toHaveAttribute('data-state', 'done');
  await expect(page.getByTestId('result-id-token-claims')).toContainText('somebody');
  for (const unknown of ['userinfo', 'revoke', 'call-whoami']) {
    await expect(page.getByTestId(unknown)).toBeHidden();
  }
  // Nobody to sign out of: the tokens were in the page alone.
  await page.getByTestId('sign-out').click();
  await expect(page).toHaveURL(`${url}/flows/single-page-app`);
});
