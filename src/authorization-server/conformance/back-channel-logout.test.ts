/** oidcc-backchannel-rp-initiated-logout-certification-test-plan */
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { POST_LOGOUT, type Suite, startSuite } from '../../testing/conformance-suite.ts';
import { startReceiver } from '../../testing/receiver.ts';
import { send } from '../../testing/relying-party.ts';
import { UserAgent } from '../../testing/user-agent.ts';

const CODE = { responseType: 'code' };

let receiver: Awaited<ReturnType<typeof startReceiver>>;
let suite: Suite;
beforeAll(async () => {
  receiver = await startReceiver();
  suite = await startSuite({ backchannelLogoutUri: receiver.url('/backchannel_logout') });
});
afterAll(async () => {
  receiver.stop();
  await suite.server.stop();
});

it('oidcc-backchannel-logout-discovery-endpoint-verification', async () => {
  expect((await send(suite.server.url('/.well-known/openid-configuration'))).body).toMatchObject({
    backchannel_logout_supported: true,
    backchannel_logout_session_supported: true,
    end_session_endpoint: suite.server.url('/session/end'),
  });
});

it('oidcc-backchannel-rp-initiated-logout: one logout token comes, of the session, and the browser goes back', async () => {
  const browser = new UserAgent(suite.server.issuer);
  const { tokens, idToken } = await suite.complete(CODE, {}, { browser });
  const state = 'a-state-for-the-way-back';
  const parameters = { id_token_hint: tokens?.id_token ?? '', post_logout_redirect_uri: POST_LOGOUT, state };
  const end = await browser.signOut(await browser.get(`/session/end?${new URLSearchParams(parameters)}`));
  expect(end.url).toBe(`${POST_LOGOUT}?state=${state}`);

  // The browser does not wait for it.
  await expect.poll(() => receiver.received.length).toBeGreaterThan(0);
  expect(receiver.received.map(({ form }) => [...form.keys()])).toEqual([['logout_token']]);
  const keys = createRemoteJWKSet(new URL(suite.server.url('/jwks')));
  const { payload } = await jwtVerify(receiver.received[0]?.form.get('logout_token') ?? '', keys, {
    issuer: suite.server.issuer,
    audience: suite.client.clientId,
    typ: 'logout+jwt',
    requiredClaims: ['iat', 'exp', 'jti', 'events'],
  });
  expect({ sub: payload.sub, sid: payload.sid }).toEqual({ sub: idToken.sub, sid: idToken.sid });
  expect(payload.sid).toEqual(expect.any(String));
  expect(payload).not.toHaveProperty('nonce');
  const { answer } = await suite.authorize(CODE, { prompt: 'none' }, { browser });
  expect(answer.error).toBe('login_required');
});
