/** A device code, or a request that was answered elsewhere (CIBA), for tokens: at once, or not at all. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import { answerRequest, BANK_REGISTRATION, createBank } from '../../testing/bank.ts';
import { allowDevice, createTelevision, TELEVISION_REGISTRATION } from '../../testing/device.ts';
import { type Answer, introspect, tokensOf } from '../../testing/relying-party.ts';
import { UserAgent } from '../../testing/user-agent.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  await server.apply({ clients: [TELEVISION_REGISTRATION, BANK_REGISTRATION] });
  await server.pool.query(`create function refuse() returns trigger language plpgsql as $$
    begin raise exception 'no room'; end $$`);
});
afterAll(() => server.stop());

/** As where the node dies or the disk is full in the middle of it. */
async function withoutRoom(work: () => Promise<Answer>): Promise<Answer> {
  await server.pool.query('create trigger refuse before insert on tokens for each row execute function refuse()');
  try {
    return await work();
  } finally {
    await server.pool.query('drop trigger refuse on tokens');
  }
}

/** Whatever a person has just allowed, as its client polls for it. */
const ALLOWED: readonly [string, () => Promise<() => Promise<Answer>>][] = [
  [
    'a device code',
    async () => {
      const tv = createTelevision(server);
      const device = await tv.connect();
      await allowDevice(new UserAgent(server.issuer), device);
      return () => tv.poll(device);
    },
  ],
  [
    'a request of CIBA',
    async () => {
      const bank = createBank(server);
      const auth_req_id = await bank.ask();
      await answerRequest(new UserAgent(server.issuer), 'allow');
      return () => bank.poll(auth_req_id);
    },
  ],
];

describe.each(ALLOWED)('%s', (_, allowed) => {
  it('is still good when its tokens could not be saved, and the person is not asked again', async () => {
    const poll = await allowed();
    expect((await withoutRoom(poll)).status).toBe(500);
    const { access_token, refresh_token } = tokensOf(await poll());
    expect(refresh_token).toBeTruthy();
    expect((await introspect(server.issuer, access_token)).active).toBe(true);
    expect((await poll()).body.error).toBe('invalid_grant');
  });
});
