import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { auditOf, newcomers, visitorOf } from '../../../testing/account-console.ts';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import { createRelyingParty, DEMO_WEB } from '../../../testing/relying-party.ts';
import { UserAgent, type Visit } from '../../../testing/user-agent.ts';

let server: TestServer;
const somebody = newcomers(() => server);

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

const query = (text: string, values: unknown[] = []) => server.pool.query(text, values);

const FIREFOX = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0';
const sessionsIn = ({ html }: Visit) =>
  [...html.matchAll(/name="session" value="([^"]*)"/g)].map(([, uid = '']) => uid);

/** As if the person had signed in at the console a day ago. */
async function letTimePass(browser: UserAgent, email: string): Promise<void> {
  await query(
    `update artifacts set payload = (payload::jsonb || jsonb_build_object('loginTs', (payload::jsonb->>'loginTs')::int - 86400))::text
      where kind = 'Session' and account_id = (select account_id from accounts where email = $1)`,
    [email],
  );
  browser.cookies.delete('/account account'); // Its next one says the same as the session.
}

describe('/account/sessions', () => {
  it('shows each browser, and ends one that has to sign in again', async () => {
    const person = await somebody();
    const [here, there] = [await visitorOf(server, person), new UserAgent(server.issuer)];
    const page = await there.get('/account', { 'user-agent': FIREFOX });
    await there.signIn(page, person);
    await query(
      `update artifacts set seen_by = $2 where kind = 'Session' and account_id = $1 and created_at = (select max(created_at) from artifacts where kind = 'Session' and account_id = $1)`,
      [person.accountId, FIREFOX],
    );
    const list = await here.get('/account/sessions');
    expect(list.html).toContain('Firefox on Windows');
    expect(list.html).toMatch(/data-testid="session-place">(::1|127\.0\.0\.1|::ffff:127\.0\.0\.1)</);
    const [session = ''] = sessionsIn(list);
    expect(sessionsIn(list)).toHaveLength(1); // One can be ended; the other one is this.
    const ended = await here.post('/account/sessions/end', { session });
    expect(ended.html).toContain('That browser is signed out.');
    expect((await there.get('/account')).html).toMatch(/action="[^"]*\/sign-in"/);
    expect((await here.get('/account')).status).toBe(200);
    expect(await auditOf(server, person, 'session_ended')).toEqual([{ browser: 'Firefox on Windows' }]);
  });

  it('ends nothing of anybody else', async () => {
    const [one, other] = [await somebody(), await somebody()];
    const [mine, theirs] = [await visitorOf(server, one), await visitorOf(server, other)];
    const { rows } = await query(`select uid from artifacts where kind = 'Session' and account_id = $1`, [
      other.accountId,
    ]);
    await mine.post('/account/sessions/end', { session: rows[0].uid });
    await mine.post('/account/sessions/end-others', {});
    expect((await theirs.get('/account')).url).toBe(server.url('/account'));
    expect((await theirs.get('/account')).html).toContain(other.email);
    expect(await auditOf(server, one, 'session_ended')).toEqual([]);
  });

  it('ends all others and keeps this one, with the tokens that were bound to them', async () => {
    const person = await somebody();
    const here = await visitorOf(server, person);
    const app = createRelyingParty(server.issuer, DEMO_WEB);
    const elsewhere = new UserAgent(server.issuer);
    const tokens = await app.obtainTokens({ scope: 'openid profile' }, person, elsewhere);
    const userinfo = () => fetch(server.url('/me'), { headers: { authorization: `Bearer ${tokens.access_token}` } });
    expect((await userinfo()).status).toBe(200);
    await here.post('/account/sessions/end-others', {});
    expect((await userinfo()).status).toBe(401);
    expect((await here.get('/account')).html).toContain(person.email);
  });

  it('notes at most once a minute that a browser was seen', async () => {
    const person = await somebody();
    const browser = await visitorOf(server, person);
    const seen = async () =>
      (await query(`select seen_at from artifacts where kind = 'Session' and account_id = $1`, [person.accountId]))
        .rows[0].seen_at;
    const first = await seen();
    await browser.get('/account');
    expect(await seen()).toEqual(first);
    await query(
      `update artifacts set seen_at = now() - interval '61 seconds' where kind = 'Session' and account_id = $1`,
      [person.accountId],
    );
    await browser.get('/account');
    expect((await seen()).getTime()).toBeGreaterThanOrEqual(first.getTime());
  });
});

describe('a fresh sign-in', () => {
  it('is asked for where the last one is long ago, and leads back', async () => {
    const person = await somebody();
    const browser = await visitorOf(server, person);
    await letTimePass(browser, person.email);
    const asked = await browser.get('/account/data/delete');
    expect(asked.html).toMatch(/action="[^"]*\/sign-in"/);
    const back = await browser.signIn(asked, person);
    expect([back.url, back.status]).toEqual([server.url('/account/data/delete'), 200]);
  });

  it('is not got round by a form', async () => {
    const person = await somebody();
    const browser = await visitorOf(server, person);
    await letTimePass(browser, person.email);
    await browser.get('/account');
    for (const path of ['/account/data/export', '/account/data/delete']) {
      const visit = await browser.post(path, { email: person.email });
      expect(visit.html).toMatch(/action="[^"]*\/sign-in"/);
    }
    expect(await auditOf(server, person, 'data_exported')).toEqual([]);
    expect((await query('select from accounts where account_id = $1', [person.accountId])).rowCount).toBe(1);
  });
});
