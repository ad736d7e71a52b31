import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';

const MAIN = join(import.meta.dirname, '../main.ts');
const SECRET = 'a-production-secret-of-more-than-32-characters';

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) {
    await cleanUp();
  }
});

async function database(): Promise<TestDatabase> {
  const created = await createTestDatabase('authorization-server');
  cleanUps.push(() => created.drop());
  return created;
}

/** Environment of a production server on a port that the system chooses. */
function production(databaseUrl: string) {
  return {
    DATABASE_URL: databaseUrl,
    CONCIERGE_SECRET: SECRET,
    CONCIERGE_ISSUER: 'http://localhost:3999',
    CONCIERGE_LISTEN_PORT: '0',
  };
}

function concierge(args: readonly string[], env: Record<string, string>) {
  const child = spawn(process.execPath, [MAIN, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const exited = once(child, 'exit').then(([code]) => ({ code: code as number | null, output }));
  cleanUps.push(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  return { child, exited, untilPrinted: (text: string, times = 1) => untilPrinted(child, () => output, text, times) };
}

/** The whole first line that has it. */
async function untilPrinted(child: ChildProcess, output: () => string, text: string, times: number): Promise<string> {
  while (output().split(text).length <= times) {
    if (child.exitCode !== null) {
      throw new Error(`exited with ${child.exitCode}: ${output()}`);
    }
    await Promise.race([once(child.stdout as NodeJS.ReadableStream, 'data'), once(child, 'exit')]);
  }
  return (
    output()
      .split('\n')
      .find((line) => line.includes(text)) ?? ''
  );
}

describe('concierge serve', () => {
  it('serves in production and ends with 0 on SIGTERM', async () => {
    const env = production((await database()).url);
    const server = concierge(['serve'], env);
    const port = JSON.parse(await server.untilPrinted('listening')).port;
    const response = await fetch(`http://localhost:${port}/.well-known/openid-configuration`);
    expect(await response.json()).toMatchObject({ issuer: env.CONCIERGE_ISSUER });
    server.child.kill('SIGTERM');
    expect(await server.exited).toMatchObject({ code: 0 });
  });

  it('says at its start which clients get less than they are registered for, and which grants are better avoided', async () => {
    const { url } = await database();
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query(
      `insert into clients (client_id, metadata) values ('old-app',
        '{"grant_types": ["implicit"], "response_types": ["token"], "token_endpoint_auth_method": "none"}')`,
    );
    await client.end();
    const lax = concierge(['serve'], production(url));
    expect(JSON.parse(await lax.untilPrinted('RFC 9700')).msg).toMatch(/implicit.*old-app$/);
    lax.child.kill('SIGTERM');
    await lax.exited;
    const strict = concierge(['serve'], { ...production(url), CONCIERGE_PROFILE: 'oauth-2.1' });
    expect(JSON.parse(await strict.untilPrinted('old-app')).msg).toMatch(/goes without.*has implicit/);
    await strict.untilPrinted('server listening');
    strict.child.kill('SIGTERM');
    await strict.exited;
  });

  it.each([1, 2])('serves metrics at a port of their own, for %i processes together', async (workers) => {
    const env = { ...production((await database()).url), CONCIERGE_METRICS_PORT: '0' };
    const server = concierge(['serve', '--workers', String(workers)], env);
    const { port: metricsPort } = JSON.parse(await server.untilPrinted('metrics to be had'));
    const { port } = JSON.parse(await server.untilPrinted('server listening', workers));
    expect((await fetch(`http://localhost:${port}/metrics`)).status).toBe(404);
    for (let requests = 0; requests < 4; requests++) {
      await fetch(`http://localhost:${port}/healthz`, { headers: { connection: 'close' } });
    }
    const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
    expect(text).toContain('http_request_duration_seconds_count{route="/healthz",status="2xx"} 4');
    expect(text).toContain('concierge_storage_rows{table="tokens",state="live"} 0');
    expect(text.match(/^concierge_storage_partitions/gm)).toHaveLength(1);
    server.child.kill('SIGTERM');
    expect(await server.exited).toMatchObject({ code: 0 });
  });

  it('holds --workers to the rules of the setting', async () => {
    const { code, output } = await concierge(['serve', '--workers', 'many'], production('postgres://localhost/x'))
      .exited;
    expect(code).toBe(1);
    expect(output).toContain('workers: invalid input: expected number');
  });

  it('C72: refuses a database that holds demo clients', async () => {
    const { url } = await database();
    const env = production(url);
    await concierge(['apply', '--development', '-f', 'config/demo.yaml'], env).exited;
    const { code, output } = await concierge(['serve'], env).exited;
    expect(code).toBe(1);
    expect(output).toContain(
      'The database holds demo clients, whose secrets are public: demo-api, demo-ciba, demo-machine',
    );
  });

  it('C72: refuses a missing secret, a plain http issuer and nothing to connect to, all at once', async () => {
    const { code, output } = await concierge(['serve'], { CONCIERGE_ISSUER: 'http://login.example.com' }).exited;
    expect(code).toBe(1);
    expect(output).toContain('CONCIERGE_SECRET');
    expect(output).toContain('DATABASE_URL');
    expect(output).toContain('issuer');
  });

  it('refuses pending migrations unless told to migrate, and migrates then', async () => {
    const { url, drop } = await createEmptyDatabase();
    cleanUps.push(drop);
    const env = production(url);
    const refused = await concierge(['serve'], env).exited;
    expect(refused.code).toBe(1);
    expect(refused.output).toContain('The database lacks migrations: 0001_directory, 0002_artifacts');
    const server = concierge(['serve', '--migrate'], env);
    await server.untilPrinted('listening');
    server.child.kill('SIGTERM');
    expect(await server.exited).toMatchObject({ code: 0 });
    expect((await concierge(['migrate'], env).exited).output).toBe('nothing to migrate\n');
  });
});

async function createEmptyDatabase() {
  const name = `empty-${process.pid}-${Date.now()}`;
  const administer = async (statement: string) => {
    const client = new pg.Client({ connectionString: inject('postgresUrl') });
    await client.connect();
    await client.query(statement).finally(() => client.end());
  };
  await administer(`create database "${name}"`);
  const url = new URL(inject('postgresUrl'));
  url.pathname = name;
  return { url: url.href, drop: () => administer(`drop database "${name}" with (force)`) };
}
