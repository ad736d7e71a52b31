/**
 * FAPI 2.0 as it is deployed: over TLS with real certificates, from the discovery to the refresh, by oauth4webapi. Nothing is
 * sent to the server itself, but to the proxy in front of it.
 */
import * as oauth from 'oauth4webapi';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import type { Certificate } from '../../testing/certificates.ts';
import { ALICE, introspect } from '../../testing/relying-party.ts';
import { type ClientKey, createClientKey } from '../../testing/request-object.ts';
import { CERTIFICATE_HEADER, startTlsProxy, type TlsProxy, VERIFIED_HEADER } from '../../testing/tls-proxy.ts';
import { UserAgent } from '../../testing/user-agent.ts';

const REDIRECT_URI = 'https://shop.example.com/callback';
const SHOP = {
  redirect_uris: [REDIRECT_URI],
  grant_types: ['authorization_code', 'refresh_token'],
  scope: 'openid profile records:read',
};

let proxy: TlsProxy;
let server: TestServer;
let key: ClientKey;
let certificate: Certificate;
let another: Certificate;

beforeAll(async () => {
  [proxy, key] = await Promise.all([startTlsProxy(), createClientKey('PS256')]);
  certificate = await proxy.authority.issue({ subject: 'O=Shop,CN=client 1' });
  another = await proxy.authority.issue({ subject: 'O=Shop,CN=client 2' });
  const mutualTls = { header: CERTIFICATE_HEADER, verifiedHeader: VERIFIED_HEADER, origin: proxy.otherOrigin };
  server = await startTestServer({
    config: (config) => ({ ...config, profile: 'fapi-2.0', issuer: proxy.origin, trustedProxies: 1, mutualTls }),
  });
  proxy.passTo(server.issuer);
  await server.apply({
    clients: [
      {
        ...SHOP,
        client_id: 'by-certificate',
        token_endpoint_auth_method: 'tls_client_auth',
        tls_client_auth_subject_dn: 'CN=client 1,O=Shop',
        tls_client_certificate_bound_access_tokens: true,
      },
      {
        ...SHOP,
        client_id: 'by-key',
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: { keys: [key.jwk] },
        dpop_bound_access_tokens: true,
      },
    ],
  });
});
afterAll(async () => {
  await server.stop();
  await proxy.stop();
});

interface Party {
  readonly client: oauth.Client;
  readonly authentication: oauth.ClientAuth;
  readonly options: object;
}

async function discover(options: object): Promise<oauth.AuthorizationServer> {
  const issuer = new URL(proxy.origin);
  return oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, options));
}

/** PAR, sign-in and consent, and the exchange of the code. */
async function obtainTokens(as: oauth.AuthorizationServer, { client, authentication, options }: Party) {
  const verifier = oauth.generateRandomCodeVerifier();
  const parameters = {
    response_type: 'code',
    redirect_uri: REDIRECT_URI,
    scope: SHOP.scope,
    state: 'a-state',
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  };
  const pushing = oauth.pushedAuthorizationRequest(as, client, authentication, parameters, options);
  const { request_uri } = await oauth.processPushedAuthorizationResponse(as, client, await pushing);
  const browser = new UserAgent(proxy.origin);
  browser.node = server.issuer;
  const request = new URLSearchParams({ client_id: client.client_id, request_uri });
  const callback = await browser.authorize(`${as.authorization_endpoint}?${request}`, ALICE);
  const answer = oauth.validateAuthResponse(as, client, callback, 'a-state');
  const exchange = oauth.authorizationCodeGrantRequest(
    as,
    client,
    authentication,
    answer,
    REDIRECT_URI,
    verifier,
    options,
  );
  return oauth.processAuthorizationCodeResponse(as, client, await exchange);
}

async function refresh(as: oauth.AuthorizationServer, { client, authentication, options }: Party, token = '') {
  const answer = await oauth.refreshTokenGrantRequest(as, client, authentication, token, options);
  return oauth.processRefreshTokenResponse(as, client, answer);
}

async function nameOf(as: oauth.AuthorizationServer, { client, options }: Party, tokens: oauth.TokenEndpointResponse) {
  const { sub = '' } = oauth.getValidatedIdTokenClaims(tokens) ?? {};
  const answer = await oauth.userInfoRequest(as, client, tokens.access_token, options);
  return (await oauth.processUserInfoResponse(as, client, sub, answer)).name;
}

describe('a client with a certificate', () => {
  it('pushes, exchanges, asks and refreshes by it, and its tokens are good with it only', async () => {
    const options = { [oauth.customFetch]: proxy.fetchAs(certificate) as never };
    const as = await discover(options);
    const client = { client_id: 'by-certificate', use_mtls_endpoint_aliases: true };
    const party = { client, authentication: oauth.TlsClientAuth(), options };
    const tokens = await obtainTokens(as, party);
    const { cnf } = await introspect(server.issuer, tokens.access_token);
    expect(cnf).toEqual({ 'x5t#S256': certificate.thumbprint });
    expect(await nameOf(as, party, tokens)).toBe('Alice Archer');
    expect((await refresh(as, party, tokens.refresh_token)).access_token).toBeTruthy();

    const thief = { ...party, options: { [oauth.customFetch]: proxy.fetchAs(another) as never } };
    await expect(nameOf(as, thief, tokens)).rejects.toThrow();
    await expect(refresh(as, thief, tokens.refresh_token)).rejects.toMatchObject({ error: 'invalid_client' });
  });
});

describe('a client with a key', () => {
  it('pushes, exchanges, asks and refreshes with proofs, though its clock is wrong', async () => {
    const client = { client_id: 'by-key', [oauth.clockSkew]: -3600 };
    const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'));
    const options = { [oauth.customFetch]: proxy.fetchAs() as never, DPoP };
    const as = await discover({ [oauth.customFetch]: proxy.fetchAs() as never });
    // The clock of its assertions is right: no nonce makes up for that.
    const authentication = oauth.PrivateKeyJwt(
      { key: key.privateKey, kid: String(key.jwk.kid) },
      {
        [oauth.modifyAssertion](_header, claims) {
          const now = Math.floor(Date.now() / 1000);
          Object.assign(claims, { iat: now, nbf: now, exp: now + 60 });
        },
      },
    );
    const party = { client, authentication, options };
    await expect(obtainTokens(as, party)).rejects.toSatisfy(oauth.isDPoPNonceError);
    const tokens = await obtainTokens(as, party);
    expect(tokens.token_type).toBe('dpop');
    const { cnf } = await introspect(server.issuer, tokens.access_token);
    expect(cnf).toEqual({ jkt: await DPoP.calculateThumbprint() });
    expect(await nameOf(as, party, tokens)).toBe('Alice Archer');
    expect((await refresh(as, party, tokens.refresh_token)).token_type).toBe('dpop');
  });
});
