import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import { createRelyingParty, DEMO_WEB, type RelyingParty } from '../../testing/relying-party.ts';
import { actionOf, UserAgent } from '../../testing/user-agent.ts';

let server: TestServer;
let web: RelyingParty;
beforeAll(async () => {
  server = await startTestServer();
  web = createRelyingParty(server.issuer, DEMO_WEB);
});
afterAll(() => server.stop());

const carol = { email: 'carol@example.com', name: 'Carol', roles: ['user'] };
const savePassword = (password: string) => server.apply({ accounts: [{ ...carol, password }] });

const post = (browser: UserAgent, url: string, fields: Record<string, string> = {}) =>
  browser.send(url, { method: 'POST', body: new URLSearchParams(fields) });

describe('a password that is replaced while somebody signs in with the old one', () => {
  it('C50: ends a sign-in that was answered and not yet followed', async () => {
    await savePassword('the-first-password');
    const thief = new UserAgent(server.issuer);
    const page = await thief.get(web.authorizationUrl({ scope: 'openid' }));
    const answer = await post(thief, actionOf(page, 'sign-in'), { email: carol.email, password: 'the-first-password' });
    const resume = answer.headers.get('location') ?? '';
    expect(resume).toContain('/auth/');
    await savePassword('the-second-password');
    expect((await thief.get(resume)).html).toContain('/sign-in"');
    expect((await thief.get(web.authorizationUrl({ scope: 'openid' }))).html).toContain('/sign-in"');
  });

  it('C50: ends a consent page that waits for its answer', async () => {
    await savePassword('the-third-password');
    const thief = new UserAgent(server.issuer);
    const page = await thief.get(web.authorizationUrl({ scope: 'openid' }));
    const consent = await thief.signIn(page, { email: carol.email, password: 'the-third-password' });
    const action = actionOf(consent, 'consent');
    await savePassword('the-fourth-password');
    expect((await post(thief, action)).status).toBe(400);
  });
});
