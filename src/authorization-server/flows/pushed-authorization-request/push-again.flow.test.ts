/** C52: a sign-in that lost its way begins again, also where its request did not come as a query. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import {
  ALICE,
  createPkce,
  createRelyingParty,
  DEMO_WEB,
  encode,
  postForm,
  tokensOf,
} from '../../../testing/relying-party.ts';
import { type ClientKey, createClientKey, signRequest } from '../../../testing/request-object.ts';
import { actionOf, DEMO_PASSWORD, UserAgent, type Visit } from '../../../testing/user-agent.ts';

const STRICT = { ...DEMO_WEB, clientId: 'strict', secret: 'a-secret-of-the-strict-client' };
const SIGNING = { ...DEMO_WEB, clientId: 'signing', secret: 'a-secret-of-the-signing-client' };

let server: TestServer;
let key: ClientKey;
beforeAll(async () => {
  server = await startTestServer();
  key = await createClientKey();
  const shared = { redirect_uris: [DEMO_WEB.redirectUri], scope: 'openid profile', jwks: { keys: [key.jwk] } };
  await server.apply({
    clients: [
      {
        ...shared,
        client_id: STRICT.clientId,
        client_secret: STRICT.secret,
        require_pushed_authorization_requests: true,
      },
      { ...shared, client_id: SIGNING.clientId, client_secret: SIGNING.secret, require_signed_request_object: true },
    ],
  });
});
afterAll(() => server.stop());

const pkce = createPkce();
const sealedIn = (visit: Visit) => visit.html.match(/name="request" value="([^"]+)"/)?.[1] ?? '';

async function pushed(client = STRICT): Promise<string> {
  const request = await signRequest({ issuer: server.issuer, client, key }, { scope: 'openid profile' }, pkce);
  const { body } = await postForm(server.url('/request'), { client_id: client.clientId, request }, client);
  return server.url(`/auth?${encode({ client_id: client.clientId, request_uri: String(body.request_uri) })}`);
}

/** As when the cookies of the sign-in are lost, or the first half of a double click was enough. */
const submitElsewhere = (visit: Visit, browser = new UserAgent(server.issuer)) =>
  browser.post(actionOf(visit, 'sign-in'), {
    email: ALICE.email,
    password: DEMO_PASSWORD,
    request: sealedIn(visit),
  });

async function finish(browser: UserAgent, visit: Visit): Promise<URL> {
  const next = /\/sign-in"/.test(visit.html) ? await browser.signIn(visit, ALICE) : visit;
  return new URL((browser.isOurs(next.url) ? await browser.approve(next) : next).url);
}

describe('a pushed request', () => {
  it('begins again as it was pushed, without showing anything of it, and is answered', async () => {
    const visit = await new UserAgent(server.issuer).get(await pushed());
    const browser = new UserAgent(server.issuer);
    const answer = await browser.send(actionOf(visit, 'sign-in'), {
      method: 'POST',
      body: new URLSearchParams({ email: ALICE.email, password: DEMO_PASSWORD, request: sealedIn(visit) }),
    });
    const again = new URL(answer.headers.get('location') ?? '', server.issuer);
    expect([...again.searchParams.keys()].sort()).toEqual(['again', 'client_id', 'request_uri']);
    const callback = await browser.authorize(again.href, ALICE);
    expect(callback.searchParams.get('state')).toBe('a-state');
    const code = callback.searchParams.get('code') ?? '';
    const tokens = await createRelyingParty(server.issuer, STRICT).exchange({ code, verifier: pkce.verifier });
    expect(tokensOf(tokens).scope).toBe('openid profile');
  });

  it('is answered once, whichever of the two sign-ins comes first', async () => {
    const first = new UserAgent(server.issuer);
    const visit = await first.get(await pushed());
    const second = new UserAgent(server.issuer);
    const again = await submitElsewhere(visit, second);
    const answers = [await finish(first, visit), await finish(second, again)].map(({ searchParams }) => searchParams);
    expect(answers.filter((answer) => answer.has('code'))).toHaveLength(1);
    expect(answers.filter((answer) => answer.get('error') === 'invalid_request_uri')).toHaveLength(1);
  });

  it('does not begin again once it was answered, and the person is told where to go on', async () => {
    const browser = new UserAgent(server.issuer);
    const visit = await browser.get(await pushed());
    expect((await finish(browser, visit)).searchParams.has('code')).toBe(true);
    const told = await submitElsewhere(visit, browser);
    expect(told.status).toBe(400);
    expect(told.html).toContain('This sign-in has ended');
  });

  it('begins again once for a page, however many ask at once', async () => {
    const visit = await new UserAgent(server.issuer).get(await pushed());
    const answers = await Promise.all([1, 2, 3].map(() => submitElsewhere(visit)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400, 400]);
  });
});

describe('a request object that a browser brought', () => {
  it('begins again, also where the client must sign', async () => {
    const request = await signRequest({ issuer: server.issuer, client: SIGNING, key }, { scope: 'openid' }, pkce);
    const visit = await new UserAgent(server.issuer).get(
      server.url(`/auth?${encode({ client_id: SIGNING.clientId, request })}`),
    );
    const browser = new UserAgent(server.issuer);
    const callback = await finish(browser, await submitElsewhere(visit, browser));
    expect(callback.searchParams.get('state')).toBe('a-state');
    expect(callback.searchParams.has('code')).toBe(true);
  });
});
