import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { auditOf, newcomers, visitorOf } from '../../../testing/account-console.ts';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import { createRelyingParty, DEMO_WEB } from '../../../testing/relying-party.ts';
import { UserAgent } from '../../../testing/user-agent.ts';
import { AUDIT_KINDS } from '../../audit/audit.ts';

let server: TestServer;
const somebody = newcomers(() => server);

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

const query = (text: string, values: unknown[] = []) => server.pool.query(text, values);

const form = (fields: Record<string, string>) => ({ method: 'POST', body: new URLSearchParams(fields) });

describe('/account/activity', () => {
  it('tells in words what happened, failures too, and nothing of anybody else', async () => {
    const person = await somebody();
    const browser = new UserAgent(server.issuer);
    const page = await browser.get('/account');
    const failed = await browser.signIn(page, { ...person, password: 'not-it-at-all' });
    await browser.signIn(failed, person);
    const { html } = await browser.get('/account/activity');
    const kinds = [...html.matchAll(/data-kind="([^"]*)"/g)].map(([, kind]) => kind);
    expect(kinds).toEqual(['sign_in', 'sign_in_failed', 'account_created']);
    expect(html).toContain('A sign-in failed');
    const other = await visitorOf(server, await somebody());
    expect((await other.get('/account/activity')).html).not.toContain('A sign-in failed');
  });

  it('goes back in time page by page', async () => {
    const person = await somebody();
    const browser = await visitorOf(server, person);
    await query(
      `insert into audit_events (id, at, kind, account_id)
        select gen_random_uuid(), now() - make_interval(mins => n), 'profile_changed', $1 from generate_series(1, 30) n`,
      [person.accountId],
    );
    const count = (html: string) => html.split('data-testid="activity-entry"').length - 1;
    const newest = await browser.get('/account/activity');
    expect(count(newest.html)).toBe(25);
    const older = newest.html.match(/href="([^"]*)" data-testid="older"/)?.[1] ?? '';
    const rest = await browser.get(older);
    expect(count(rest.html)).toBe(7);
    expect(rest.html).not.toContain('data-testid="older"');
    const nonsense = await browser.get("/account/activity?before=' or 1=1");
    expect([nonsense.status, count(nonsense.html)]).toEqual([200, 25]);
  });

  it('has words for every kind that is told of, in every language', async () => {
    const person = await somebody();
    const browser = await visitorOf(server, person);
    await query(`delete from audit_events where account_id = $1`, [person.accountId]);
    for (const kinds of [AUDIT_KINDS.slice(0, 20), AUDIT_KINDS.slice(20)]) {
      await query(`delete from audit_events where account_id = $1`, [person.accountId]);
      await query(`insert into audit_events (id, kind, account_id) select gen_random_uuid(), unnest($2::text[]), $1`, [
        person.accountId,
        kinds,
      ]);
      for (const language of ['en', 'de', 'ja', 'pt-BR']) {
        const { status } = await browser.get('/account/activity', { 'accept-language': language });
        expect(status).toBe(200);
      }
    }
  });
});

describe('/account/data', () => {
  it('gives a copy of everything that is known, and nothing that opens a door', async () => {
    const person = await somebody();
    const browser = await visitorOf(server, person);
    const app = createRelyingParty(server.issuer, DEMO_WEB);
    const tokens = await app.obtainTokens({ scope: 'openid offline_access records:read', prompt: 'consent' }, person);
    const copy = await browser.send('/account/data/export', form({}));
    expect(copy.headers.get('content-type')).toContain('application/json');
    expect(copy.headers.get('content-disposition')).toMatch(/^attachment; filename="account-\d{4}-\d\d-\d\d\.json"$/);
    expect(copy.headers.get('cache-control')).toBe('no-store');
    const data = JSON.parse(copy.html);
    expect(data).toMatchObject({
      issuer: server.issuer,
      account: { accountId: person.accountId, email: person.email },
    });
    const others = ['activity', 'apps', 'authenticatorApp', 'connectedAccounts', 'passkeys', 'personalAccessTokens'];
    const known = ['account', ...others, 'exportedAt', 'issuer', 'recoveryCodesLeft', 'sessions', 'tokens'];
    expect(Object.keys(data).sort()).toEqual(known.sort());
    expect(data.sessions).toHaveLength(2);
    expect(data.apps.map(({ clientId }: { clientId: string }) => clientId)).toContain('demo-web');
    expect(data.tokens.map(({ kind }: { kind: string }) => kind)).toEqual(
      expect.arrayContaining(['AccessToken', 'RefreshToken']),
    );
    expect(data.activity.map(({ kind }: { kind: string }) => kind)).toContain('sign_in');
    const { rows } = await query('select password_hash from accounts where account_id = $1', [person.accountId]);
    const cookies = [...browser.cookies.values()].map(({ pair }) => pair.split('=')[1] ?? '');
    for (const secret of [tokens.access_token, tokens.refresh_token, rows[0].password_hash, ...cookies]) {
      expect(copy.html).not.toContain(secret);
    }
    expect(await auditOf(server, person, 'data_exported')).toEqual([{}]);
    expect(await mailsTo(person.email)).toContain('Your data was downloaded');
  });

  it('gives so many copies in an hour', async () => {
    const person = await somebody();
    const browser = await visitorOf(server, person);
    const statuses = [];
    for (let copies = 0; copies < 6; copies += 1) {
      statuses.push((await browser.send('/account/data/export', form({}))).status);
    }
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429]);
  });

  it('deletes an account with all it had, once its email is typed', async () => {
    const person = await somebody();
    const browser = await visitorOf(server, person);
    const app = createRelyingParty(server.issuer, DEMO_WEB);
    const tokens = await app.obtainTokens({ scope: 'openid offline_access', prompt: 'consent' }, person);
    const refused = await browser.post('/account/data/delete', { email: 'other@example.com' });
    expect([refused.status, refused.html.includes('data-testid="delete-problem"')]).toEqual([400, true]);
    const deleted = await browser.post('/account/data/delete', { email: ` ${person.email.toUpperCase()} ` });
    expect([deleted.url, deleted.status]).toEqual([server.url('/account/deleted'), 200]);
    expect((await query('select from accounts where account_id = $1', [person.accountId])).rowCount).toBe(0);
    const left = await query(`select from artifacts where account_id = $1 and consumed_at is null`, [person.accountId]);
    expect(left.rowCount).toBe(0);
    expect((await app.refresh(tokens.refresh_token)).status).toBe(400);
    expect((await browser.get('/account')).html).toMatch(/action="[^"]*\/sign-in"/);
    expect(await auditOf(server, person, 'account_deleted')).toEqual([{}]);
    expect(await mailsTo(person.email)).toContain('Your Concierge account was deleted');
  });

  it('keeps one administrator, also of two who leave at the same moment', async () => {
    const [one, other] = [await somebody(['admin']), await somebody(['admin'])];
    await query(`delete from account_roles where role = 'admin' and account_id <> all ($1)`, [
      [one.accountId, other.accountId],
    ]);
    const leave = async (person: typeof one) => {
      const browser = await visitorOf(server, person);
      return () => browser.send('/account/data/delete', form({ email: person.email }));
    };
    const leaving = await Promise.all([leave(one), leave(other)]);
    const visits = await Promise.all(leaving.map((go) => go()));
    expect(visits.map(({ status }) => status).sort()).toEqual([303, 400]);
    expect(visits.find(({ status }) => status === 400)?.html).toContain('You are the last administrator');
    expect((await query(`select from account_roles where role = 'admin'`)).rowCount).toBe(1);
  });
});

/** No mail server is configured, so it is at the mailbox page. */
async function mailsTo(email: string): Promise<string> {
  const { html } = await new UserAgent(server.issuer).get('/mailbox');
  return html.includes(email) ? html : '';
}
