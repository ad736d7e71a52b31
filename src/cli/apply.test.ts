import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';

const ROOT = join(import.meta.dirname, '../..');
const DEMO = join(ROOT, 'config/demo.yaml');
const MAIN = join(ROOT, 'src/main.ts');

let database: TestDatabase;
let folder: string;

beforeAll(async () => {
  database = await createTestDatabase('authorization-server');
  folder = mkdtempSync(join(tmpdir(), 'concierge-apply-'));
});

afterAll(async () => {
  rmSync(folder, { recursive: true });
  await database?.drop();
});

function fileWith(content: string): string {
  const file = join(folder, 'directory.yaml');
  writeFileSync(file, content);
  return file;
}

function apply(
  argv: string[],
  env: Record<string, string> = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const options = { env: { PATH: process.env.PATH, DATABASE_URL: database.url, ...env } };
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, 'apply', ...argv], options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

describe('concierge apply', () => {
  it('says what changed, and changes nothing the second time', async () => {
    const argv = ['-f', DEMO, '--development'];
    const first = await apply(argv);
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(first.stdout).toContain('clients: 11 created, 0 updated, 0 unchanged');
    const second = await apply(argv);
    expect(second.stdout).toBe(
      'resource servers: 0 created, 0 updated, 1 unchanged\nroles: 0 created, 0 updated, 3 unchanged\n' +
        'clients: 0 created, 0 updated, 11 unchanged\ntrusted issuers: 0 created, 0 updated, 0 unchanged\n' +
        'accounts: 0 created, 0 updated, 3 unchanged\n',
    );
  });

  it('applies what the profile of the server has no room for, and says what comes of it', async () => {
    const { code, stdout } = await apply(['-f', DEMO, '--development'], { CONCIERGE_PROFILE: 'oauth-2.1' });
    expect(code).toBe(0);
    expect(stdout).toContain(
      'demo-password goes without a part of its registration: grant_types has password, which oauth-2.1 does not allow\n',
    );
    expect(stdout).not.toContain('demo-web');
    const strict = await apply(['-f', DEMO, '--development'], { CONCIERGE_PROFILE: 'fapi-2.0' });
    expect(strict.stdout).toContain(
      'demo-web gets no tokens: token_endpoint_auth_method is client_secret_basic, which',
    );
    expect(strict.stdout).not.toContain('demo-api');
  });

  it('takes the first administrator of a production installation, the password from the environment', async () => {
    const file = fileWith(
      'roles: [{ name: operator }]\naccounts: [{ email: op@example.com, name: Op, password_env: OP_PASSWORD, roles: [operator] }]\n',
    );
    expect((await apply(['-f', file])).stderr).toContain('OP_PASSWORD');
    const { code, stdout } = await apply(['-f', file], { OP_PASSWORD: 'a password that only we know' });
    expect(code).toBe(0);
    expect(stdout).toContain('accounts: 1 created');
  });

  it('refuses the demo directory in production, with every mistake', async () => {
    const { code, stdout, stderr } = await apply(['-f', DEMO]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('clients.demo-api.client_secret');
    expect(stderr).toContain('accounts.admin@example.com.password');
    expect(stderr).not.toMatch(/demo-\w+-secret|correct-horse/);
  });

  it.each([
    [[], 'Usage:'],
    [['--nonsense'], "Unknown option '--nonsense'"],
    [['-f', '/nowhere.yaml'], 'ENOENT'],
    [['-f', DEMO, '--config', '/nowhere-else.yaml'], '/nowhere-else.yaml'],
  ])('explains what is wrong with %j', async (argv, words) => {
    const { code, stderr } = await apply(argv);
    expect(code).toBe(1);
    expect(stderr).toContain(words);
    expect(stderr).not.toContain('    at ');
  });

  it('asks for the migrations first', async () => {
    const other = await createTestDatabase('resource-server');
    const { code, stderr } = await apply(['-f', DEMO, '--development'], { DATABASE_URL: other.url });
    await other.drop();
    expect(code).toBe(1);
    expect(stderr).toMatch(/run "concierge migrate" first.*0001_directory/);
  });

  it('does not quote a broken file', async () => {
    const { code, stderr } = await apply(['-f', fileWith('clients: [\n  client_secret: canary: canary\n')]);
    expect(code).toBe(1);
    expect(stderr).toContain('line');
    expect(stderr).not.toContain('canary');
  });
});
