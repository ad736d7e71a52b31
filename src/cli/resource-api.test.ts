import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it } from 'vitest';
import { createTestDatabase } from '../testing/database.ts';

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
