import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { hashSecret } from '../authorization-server/clients/secret.ts';
import { PostgresInitialAccessTokens } from '../authorization-server/storage/initial-access-tokens.ts';
import { createPool } from '../database/connect.ts';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';
import { run } from './initial-access-token.ts';

let database: TestDatabase;
let printed: string[];
let aside: string[];
beforeAll(async () => {
  database = await createTestDatabase('authorization-server');
});
beforeEach(() => {
  [printed, aside] = [[], []];
  vi.stubEnv('DATABASE_URL', database.url);
  vi.spyOn(console, 'log').mockImplementation((line) => printed.push(line));
  vi.spyOn(console, 'error').mockImplementation((line) => aside.push(line));
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});
afterAll(() => database.drop());

/** What the registration endpoint finds. */
async function found(token: string) {
  const pool = createPool({ url: database.url, max: 1, applicationName: 'test' });
  try {
    return await new PostgresInitialAccessTokens(pool).find(hashSecret(token));
  } finally {
    await pool.end();
  }
}

describe('concierge initial-access-token', () => {
  it('prints a token and nothing else, and on the side how to end it', async () => {
    await run([]);
    expect(printed).toEqual([expect.stringMatching(/^[\w-]{43}$/)]);
    const [token = ''] = printed;
    const id = /--revoke (\w+)/.exec(aside.join())?.[1] ?? '';
    expect(aside.join()).not.toContain(token);
    expect(await found(token)).toEqual({ id, policy: {} });
    await run(['--revoke', id]);
    expect(await found(token)).toBeUndefined();
    await expect(run(['--revoke', id])).rejects.toThrow(/no initial access token/);
  });

  it('C79: lists the tokens, with what their clients may have, and tells none of them', async () => {
    await run(['--grant-types', 'client_credentials, refresh_token', '--scope', 'openid  records:read']);
    const [token = ''] = printed.splice(0);
    await run(['--list']);
    expect(printed.join()).toContain('grant types: client_credentials,refresh_token  scopes: openid records:read');
    expect(printed.join()).not.toContain(token);
    expect(await found(token)).toMatchObject({
      policy: { grantTypes: ['client_credentials', 'refresh_token'], scopes: ['openid', 'records:read'] },
    });
  });

  it('issues one for as long as it is told', async () => {
    await run(['--lifetime', '600']);
    const until = Date.parse(/until (\S+);/.exec(aside.join())?.[1] ?? '');
    expect(Math.abs(until - Date.now() - 600_000)).toBeLessThan(60_000);
  });

  it.each([
    [['--lifetime', '0'], /--lifetime/],
    [['--lifetime', 'soon'], /--lifetime/],
    [['--lifetime', '99999999999'], /--lifetime/],
    [['--grant-types', 'everything'], /No such grant type: everything/],
  ])('issues none with %j', async (argv, problem) => {
    await expect(run(argv)).rejects.toThrow(problem);
    expect(printed).toEqual([]);
  });
});
