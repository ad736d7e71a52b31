import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { freePort } from '../src/database/embedded/free-port.ts';
import { createTestDatabase } from '../src/testing/database.ts';

const SERVE = join(import.meta.dirname, 'serve.ts');

it('says what to sign in with and what to paste, and ends on a signal', async () => {
  const database = await createTestDatabase('authorization-server');
  const data = await mkdtemp(join(tmpdir(), 'conformance-'));
  const port = await freePort();
  const options = [
    '--port',
    `${port}`,
    '--suite',
    'https://localhost.emobix.co.uk:8443',
    '--alias',
    'acme',
    '--data',
    data,
  ];
  const command = spawn(process.execPath, [SERVE, ...options], { env: { ...process.env, DATABASE_URL: database.url } });
  try {
    let printed = '';
    for await (const chunk of command.stdout) {
      printed += chunk;
      if (printed.endsWith('}\n')) {
        break;
      }
    }
    expect(printed).toMatch(/^Sign in as erin@example\.com with [0-9a-f]{24}$/m);
    expect(JSON.parse(printed.slice(printed.indexOf('{')))).toMatchObject({
      alias: 'acme',
      server: { discoveryUrl: `https://localhost:${port}/.well-known/openid-configuration` },
      client: { client_id: 'conformance-1', client_secret: expect.any(String) },
      client2: { client_id: 'conformance-2', client_secret: expect.any(String) },
      client_secret_post: { client_id: 'conformance-post', client_secret: expect.any(String) },
    });
    command.kill('SIGTERM');
    expect(await once(command, 'exit')).toEqual([0, null]);
  } finally {
    command.kill('SIGKILL');
    await database.drop();
    await rm(data, { recursive: true });
  }
});
