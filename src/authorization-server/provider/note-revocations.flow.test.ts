import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import { ALICE, createRelyingParty, DEMO_WEB, type RelyingParty, revoke } from '../../testing/relying-party.ts';
import { UserAgent } from '../../testing/user-agent.ts';

let server: TestServer;
let web: RelyingParty;
let otherNode: string;
beforeAll(async () => {
  server = await startTestServer();
  web = createRelyingParty(server.issuer, DEMO_WEB);
  otherNode = await server.addNode();
});
afterAll(() => server.stop());
beforeEach(() => server.pool.query('truncate audit_events'));

/** What the audit log has, sign-ins and consents apart. */
async function written() {
  const { rows } = await server.pool.query(
    `select kind, client_id, email, request_id is not null as has_request, details from audit_events
      left join accounts using (account_id) where kind not in ('sign_in', 'consent_given') order by at`,
  );
  return rows;
}

const row = (kind: string) => ({ kind, client_id: 'demo-web', email: ALICE.email, has_request: true, details: {} });
const SCOPE = { scope: 'openid offline_access', prompt: 'consent' };

describe('the audit log', () => {
  it('C23: has a code that was used a second time', async () => {
    const { callback: _, ...authorization } = await web.authorize(SCOPE, ALICE);
    expect((await web.exchange(authorization)).status).toBe(200);
    expect(await written()).toEqual([]);
    expect((await web.exchange(authorization)).body).toMatchObject({ error: 'invalid_grant' });
    expect(await written()).toEqual([row('code_reused')]);
  });

  it('C20: has one that was used twice at the same moment, at two nodes', async () => {
    const { callback: _, ...authorization } = await web.authorize(SCOPE, ALICE);
    await Promise.all([web.exchange(authorization), web.exchange(authorization, {}, otherNode)]);
    expect(await written()).toEqual([row('code_reused')]);
  });

  it('C28: has a refresh token that was used a second time', async () => {
    const first = await web.obtainTokens(SCOPE, ALICE);
    const second = (await web.refresh(first.refresh_token)).body;
    await web.refresh(String(second.refresh_token));
    expect(await written()).toEqual([]);
    expect((await web.refresh(first.refresh_token)).body).toMatchObject({ error: 'invalid_grant' });
    expect(await written()).toEqual([row('refresh_token_reused')]);
  });

  it('has an end to how often one reuse is told', async () => {
    const { callback: _, ...authorization } = await web.authorize(SCOPE, ALICE);
    await web.exchange(authorization);
    for (let time = 0; time < 8; time += 1) {
      await web.exchange(authorization);
    }
    expect((await written()).length).toBeLessThanOrEqual(5);
  });

  it('C42: has a grant that its client gave back, and no access token that it gave back alone', async () => {
    const tokens = await web.obtainTokens(SCOPE, ALICE);
    await revoke(server.issuer, tokens.access_token, DEMO_WEB);
    expect(await written()).toEqual([]);
    await revoke(server.issuer, tokens.refresh_token, DEMO_WEB);
    expect(await written()).toEqual([row('grant_revoked')]);
  });

  it('has a sign-out, and none of who stayed', async () => {
    const browser = new UserAgent(server.issuer);
    await web.authorize({ scope: 'openid' }, ALICE, browser);
    const question = await browser.get('/session/end?client_id=demo-web');
    const xsrf = question.html.match(/name="xsrf" value="([^"]+)"/)?.[1] ?? '';
    await browser.post('/session/end/confirm', { xsrf: 'wrong', logout: 'yes', everywhere: 'yes' });
    expect(await written()).toEqual([]);
    await browser.signOut(question);
    expect(xsrf).not.toBe('');
    expect(await written()).toEqual([row('sign_out')]);
  });
});
