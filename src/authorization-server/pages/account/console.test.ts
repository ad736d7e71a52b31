import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openConsole, visitorOf } from '../../../testing/account-console.ts';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import { UserAgent } from '../../../testing/user-agent.ts';

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

const BOB = { email: 'bob@example.com' };

/** Everything that somebody has done so far counts as done so many seconds earlier. */
const query = (text: string, values: unknown[] = []) => server.pool.query(text, values);

describe('coming in', () => {
  it('lets somebody in who signs in, and asks for no consent', async () => {
    const browser = new UserAgent(server.issuer);
    const visit = await openConsole(browser);
    expect([visit.url, visit.status]).toEqual([server.url('/account'), 200]);
    expect(visit.html).toContain('Hello, Alice');
  });

  it('leads to the page that was asked for', async () => {
    const visit = await openConsole(new UserAgent(server.issuer), '/sessions');
    expect(visit.url).toBe(server.url('/account/sessions'));
  });

  it('lets two tabs finish that began at the same time', async () => {
    const browser = await visitorOf(server);
    browser.cookies.delete('/account account');
    const [one, other] = await Promise.all([browser.get('/account/sessions'), browser.get('/account/activity')]);
    expect([one.url, other.url]).toEqual([server.url('/account/sessions'), server.url('/account/activity')]);
  });
});
