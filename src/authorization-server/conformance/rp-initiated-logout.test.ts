/** oidcc-rp-initiated-logout-certification-test-plan */
import { SignJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { POST_LOGOUT, type Suite, startSuite } from '../../testing/conformance-suite.ts';
import { send } from '../../testing/relying-party.ts';
import { UserAgent, type Visit } from '../../testing/user-agent.ts';

const CODE = { responseType: 'code' };
/** The suite sends a long one, to see that it comes back whole. */
const STATE = 'aB3-_~.'.repeat(18);

let suite: Suite;
let browser: UserAgent;
let idToken: string;
beforeAll(async () => {
  suite = await startSuite();
});
afterAll(() => suite.server.stop());
beforeEach(async () => {
  browser = new UserAgent(suite.server.issuer);
  idToken = (await suite.complete(CODE, {}, { browser })).tokens?.id_token ?? '';
});

/** Goes to the end_session endpoint, and says yes where it asks. */
async function signOut(parameters: Record<string, string>): Promise<Visit> {
  const visit = await browser.get(`/session/end?${new URLSearchParams(parameters)}`);
  return visit.html.includes('data-testid="sign-out-confirm"') ? browser.signOut(visit) : visit;
}

async function isSignedIn(): Promise<boolean> {
  const { answer } = await suite.authorize(CODE, { prompt: 'none' }, { browser });
  return answer.error === undefined;
}

it('oidcc-rp-initiated-logout-discovery-endpoint-verification', async () => {
  const { body } = await send(suite.server.url('/.well-known/openid-configuration'));
  expect(body.end_session_endpoint).toBe(suite.server.url('/session/end'));
});

it('oidcc-rp-initiated-logout: goes back to the client with the state, signed out', async () => {
  const { url } = await signOut({ id_token_hint: idToken, post_logout_redirect_uri: POST_LOGOUT, state: STATE });
  expect(url.split('?')[0]).toBe(POST_LOGOUT);
  expect(Object.fromEntries(new URL(url).searchParams)).toEqual({ state: STATE });
  expect(await isSignedIn()).toBe(false);
});

it('oidcc-rp-initiated-logout-no-state: goes back without one', async () => {
  expect((await signOut({ id_token_hint: idToken, post_logout_redirect_uri: POST_LOGOUT })).url).toBe(POST_LOGOUT);
  expect(await isSignedIn()).toBe(false);
});

it.each([
  ['bad-post-logout-redirect-uri', `${POST_LOGOUT}/bad`],
  ['query-added-to-post-logout-redirect-uri', `${POST_LOGOUT}?foo=bar`],
])('oidcc-rp-initiated-logout-%s: gets an error page, and the browser does not go there', async (_, uri) => {
  const visit = await signOut({ id_token_hint: idToken, post_logout_redirect_uri: uri, state: STATE });
  expect(visit.status).toBe(400);
  expect(visit.html).toContain('data-testid="error-title"');
});

it('oidcc-rp-initiated-logout-modified-id-token-hint: alg none gets an error page', async () => {
  const [, payload] = idToken.split('.');
  const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`;
  const visit = await signOut({ id_token_hint: none, post_logout_redirect_uri: POST_LOGOUT, state: STATE });
  expect(visit.status).toBe(400);
  expect(visit.html).toContain('data-testid="error-title"');
});

it('oidcc-rp-initiated-logout-bad-id-token-hint: one that somebody else signed gets an error page', async () => {
  const { issuer } = suite.server;
  const claims = { iss: issuer, aud: suite.client.clientId, sub: 'somebody', iat: 1_700_000_000, exp: 4_000_000_000 };
  const key = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify']);
  const fake = await new SignJWT(claims).setProtectedHeader({ alg: 'ES256' }).sign(key.privateKey);
  const visit = await signOut({ id_token_hint: fake, post_logout_redirect_uri: POST_LOGOUT, state: STATE });
  expect(visit.status).toBe(400);
  expect(visit.html).toContain('data-testid="error-title"');
});

it.each([
  ['no-id-token-hint', { post_logout_redirect_uri: POST_LOGOUT, state: STATE }],
  ['no-params', {}],
  ['only-state', { state: STATE }],
] as const)('oidcc-rp-initiated-logout-%s: is asked about, and ends on a page here', async (_, parameters) => {
  const visit = await signOut(parameters);
  expect(visit.html).toContain('data-testid="signed-out"');
  expect(browser.isOurs(visit.url)).toBe(true);
  expect(await isSignedIn()).toBe(false);
});

it('oidcc-rp-initiated-logout-no-post-logout-redirect-uri: ends on a page here', async () => {
  const visit = await signOut({ id_token_hint: idToken, state: STATE });
  expect(visit.html).toContain('data-testid="signed-out"');
  expect(await isSignedIn()).toBe(false);
});
