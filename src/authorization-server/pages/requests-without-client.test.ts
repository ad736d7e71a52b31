/** Clients that ask somebody, and are gone before the answer comes. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import { actionsOf, BANK, BANK_REGISTRATION, createBank, openRequests } from '../../testing/bank.ts';
import { UserAgent } from '../../testing/user-agent.ts';

const SHOP = { ...BANK, clientId: 'shop' };

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  await server.apply({ clients: [BANK_REGISTRATION, { ...BANK_REGISTRATION, client_id: SHOP.clientId }] });
});
afterAll(() => server.stop());

const LOST: readonly [string, string, string][] = [
  ['disabled', 'update clients set disabled_at = now()', 'update clients set disabled_at = null'],
  [
    'broken',
    `update clients set metadata = metadata || '{"grant_types": ["nonsense"]}'`,
    `update clients set metadata = metadata || '{"grant_types": ["urn:openid:params:grant-type:ciba"]}'`,
  ],
];

it.each(LOST)('C81: a request of a client that is %s cannot be answered, and hides no other', async (_, lose, find) => {
  const where = ` where client_id = 'bank'`;
  await createBank(server).ask();
  const browser = new UserAgent(server.issuer);
  const page = await openRequests(browser);
  await createBank(server, SHOP).ask();
  await server.pool.query(lose + where);
  for (const answer of ['allow', 'deny'] as const) {
    const [action = ''] = actionsOf(page, answer);
    const { status, url } = await browser.post(action, {});
    expect([status, url]).toEqual([200, server.url('/requests?outcome=over')]);
    await server.pool.query('delete from rate_limits');
  }
  const left = actionsOf(await openRequests(browser), 'deny');
  expect(left).toHaveLength(1);
  await browser.post(left[0] ?? '', {});
  await server.pool.query(find + where);
  expect(actionsOf(await openRequests(browser), 'deny')).toHaveLength(1);
  await browser.post(actionsOf(page, 'deny')[0] ?? '', {});
  await server.pool.query(`delete from artifacts where kind = 'BackchannelAuthenticationRequest'`);
});
