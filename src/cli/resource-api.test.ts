import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import pg from 'pg';
import { expect, it } from 'vitest';
import { loadResourceApiConfig } from '../config/load.ts';
import { createLogger } from '../logging/create-logger.ts';
import { startTestServer } from '../testing/authorization-server.ts';
import { createTestDatabase } from '../testing/database.ts';
import { createRelyingParty, DEMO_MACHINE, revoke, tokensOf } from '../testing/relying-party.ts';
import { startResourceApi } from './resource-api.ts';

it('C108: starts without an authorization server, says where, and ends with 0 on SIGTERM', async () => {
  const database = await createTestDatabase('resource-server');
  const script = `import(${JSON.stringify(join(import.meta.dirname, 'resource-api.ts'))}).then(({ run }) => run([]))`;
  const child = spawn(process.execPath, ['--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      RESOURCE_API_DATABASE_URL: database.url,
      CONCIERGE_RESOURCE_API_CLIENT_SECRET: 'a-secret-of-this-test-and-no-other',
      CONCIERGE_RESOURCE_API_LISTEN_PORT: '0',
      CONCIERGE_ISSUER: 'http://127.0.0.1:9',
    },
  });
  const exited = once(child, 'exit');
  const [line] = await once(createInterface(child.stdout), 'line');
  const { url, msg } = JSON.parse(line);
  expect(msg).toBe('resource API listening');
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
  expect((await fetch(`${url}/whoami`)).status).toBe(401);
  expect((await fetch(`${url}/whoami`, { headers: { authorization: 'Bearer x' } })).status).toBe(503);
  child.kill('SIGTERM');
  expect(await exited).toEqual([0, null]);
  await database.drop();
});

it('checks tokens in whichever way its configuration says', async () => {
  const [server, database] = await Promise.all([startTestServer(), createTestDatabase('resource-server')]);
  // As docs/protect-your-api.md tells an operator.
  const reader = `reader_of_${server.databaseUrl.slice(-12)}`;
  const tokenDatabase = new URL(server.databaseUrl);
  await server.pool.query(`create role ${reader} login password 'secret' in role concierge_token_reader`);
  Object.assign(tokenDatabase, { username: reader, password: 'secret' });
  const issue = async () => {
    const machine = createRelyingParty(server.issuer, DEMO_MACHINE);
    return tokensOf(await machine.requestToken({ grant_type: 'client_credentials' })).access_token;
  };
  for (const strategy of ['introspection', 'repository', 'jwt'] as const) {
    const format = strategy === 'jwt' ? 'jwt' : 'opaque';
    await server.pool.query('update resource_servers set access_token_format = $1', [format]);
    const env = {
      RESOURCE_API_DATABASE_URL: database.url,
      RESOURCE_API_TOKEN_DATABASE_URL: tokenDatabase.href,
      CONCIERGE_RESOURCE_API_CLIENT_SECRET: 'demo-api-secret',
      CONCIERGE_RESOURCE_API_LISTEN_PORT: '0',
      CONCIERGE_RESOURCE_API_STRATEGY: strategy,
      CONCIERGE_ISSUER: server.issuer,
    };
    const api = await startResourceApi(loadResourceApiConfig({ env, mode: 'development' }), createLogger('silent'));
    const [good, revoked] = [await issue(), await issue()];
    const statusOf = async (token: string) =>
      (await fetch(`${api.url}/whoami`, { headers: { authorization: `Bearer ${token}` } })).status;
    await revoke(server.issuer, revoked, DEMO_MACHINE);
    expect([strategy, await statusOf(good), await statusOf('x')]).toEqual([strategy, 200, 401]);
    await expect.poll(() => statusOf(revoked)).toBe(401);
    await api.stop();
  }
  await server.stop();
  await database.drop();
  const administrator = new pg.Client({ connectionString: database.url.replace(/[^/]*$/, 'postgres') });
  await administrator.connect();
  await administrator.query(`drop role ${reader}`);
  await administrator.end();
});
