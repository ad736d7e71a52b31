import { readFileSync } from 'node:fs';
import { fetchUserInfo } from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import { createRelyingParty, DEMO_SPA, DEMO_WEB, GUEST, send, type TokenSet } from '../../testing/relying-party.ts';
import { CLAIMS_BY_SCOPE } from '../accounts/claims-by-scope.ts';

const DEMO = parse(readFileSync(new URL('../../../config/demo.yaml', import.meta.url), 'utf8'));
const ALICES_CLAIMS = DEMO.accounts.find(({ email }: { email: string }) => email === 'alice@example.com').claims;

let server: TestServer;
let tokens: TokenSet;
beforeAll(async () => {
  server = await startTestServer();
  tokens = await createRelyingParty(server.issuer, DEMO_WEB).obtainTokens({
    scope: 'openid profile email address phone',
  });
});
afterAll(() => server.stop());

const ask = (authorization: string | undefined, init: RequestInit = {}, query = '') =>
  send(server.url(`/me${query}`), { ...init, headers: authorization === undefined ? {} : { authorization } });

describe('userinfo (OpenID Connect Core §5.3)', () => {
  it.each(['GET', 'POST'])('tells by %s what the scopes permit', async (method) => {
    const { status, headers, body } = await ask(`Bearer ${tokens.access_token}`, { method });
    expect(status).toBe(200);
    expect(body).toEqual({
      sub: expect.any(String),
      name: 'Alice Archer',
      email: 'alice@example.com',
      email_verified: true,
      updated_at: expect.any(Number),
      ...ALICES_CLAIMS,
    });
    expect(headers.get('cache-control')).toBe('no-store');
  });

  it('leaves out what an account has no value for', async () => {
    const theirs = await createRelyingParty(server.issuer, DEMO_SPA).obtainTokens(
      { scope: 'openid profile address phone' },
      GUEST,
    );
    const { body } = await ask(`Bearer ${theirs.access_token}`);
    expect(body).toEqual({
      sub: expect.any(String),
      name: 'Gil Guest',
      preferred_username: 'guest@example.com',
      updated_at: expect.any(Number),
    });
  });

  it('takes the token from a form, too (RFC 6750 §2.2)', async () => {
    const body = new URLSearchParams({ access_token: tokens.access_token });
    expect((await ask(undefined, { method: 'POST', body })).status).toBe(200);
  });

  it.each([
    ['openid', ['sub']],
    ['openid email', ['email', 'email_verified', 'sub']],
    ['openid address', ['address', 'sub']],
    ['openid phone', ['phone_number', 'phone_number_verified', 'sub']],
    ['openid profile', [...CLAIMS_BY_SCOPE.profile, 'sub'].sort()],
  ])('tells a token for "%s" no more than that', async (scope, claims) => {
    const theirs = await createRelyingParty(server.issuer, DEMO_SPA).obtainTokens({ scope });
    const { body } = await ask(`Bearer ${theirs.access_token}`);
    expect(Object.keys(body).sort()).toEqual(claims);
  });

  it('tells openid-client', async () => {
    const config = await createRelyingParty(server.issuer, DEMO_WEB).discover();
    const { body } = await ask(`Bearer ${tokens.access_token}`);
    const told = await fetchUserInfo(config, tokens.access_token, String(body.sub));
    expect(told.email).toBe('alice@example.com');
  });

  it('asks for a token without an error code when there is none (RFC 6750 §3.1)', async () => {
    const { status, headers } = await ask(undefined);
    expect([400, 401]).toContain(status);
    expect(headers.get('www-authenticate')).toMatch(/^Bearer realm=/);
    expect(headers.get('www-authenticate')).not.toContain('error=');
  });

  it.each([
    ['random characters', () => `Bearer ${'x'.repeat(43)}`],
    ['a refresh token', () => `Bearer ${tokens.refresh_token}`],
    ['an ID token', () => `Bearer ${tokens.id_token}`],
    ['one that was cut', () => `Bearer ${tokens.access_token.slice(0, -1)}`],
    ['10 kB', () => `Bearer ${'x'.repeat(10_000)}`],
  ])('C88: answers 401 invalid_token to %s', async (_, authorization) => {
    const { status, headers, body } = await ask(authorization());
    expect({ status, error: body.error }).toEqual({ status: 401, error: 'invalid_token' });
    expect(headers.get('www-authenticate')).toMatch(/^Bearer realm=.*error="invalid_token"/);
  });

  it.each([
    ['Basic credentials', () => 'Basic ZGVtby13ZWI6ZGVtby13ZWItc2VjcmV0'],
    ['an empty scheme', () => 'Bearer'],
    ['two tokens', () => `Bearer ${tokens.access_token} ${tokens.access_token}`],
    ['an unknown scheme', () => `Pigeon ${tokens.access_token}`],
  ])('refuses %s', async (_, authorization) => {
    const { status, body } = await ask(authorization());
    expect([400, 401]).toContain(status);
    expect(body.error).toMatch(/invalid_(request|token)/);
    expect(body.error_description).toMatch(/header|token|bearer/i);
  });

  it('C84: refuses two tokens at once, and one in the query', async () => {
    const body = new URLSearchParams({ access_token: tokens.access_token });
    const both = await ask(`Bearer ${tokens.access_token}`, { method: 'POST', body });
    const inQuery = await ask(undefined, {}, `?access_token=${tokens.access_token}`);
    expect([both.status, both.body.error]).toEqual([400, 'invalid_request']);
    expect([400, 401]).toContain(inQuery.status);
  });

  it('C84: refuses a form in which the token or a NUL stands where it should not', async () => {
    for (const text of ['access_token=%00', 'access_token=a&access_token=b', 'access_token[a]=b', '%00=%00']) {
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      const { status } = await send(server.url('/me'), { method: 'POST', headers, body: text });
      expect([400, 401]).toContain(status);
    }
  });

  it('follows the account: a changed name is told, a deleted session ends it', async () => {
    await server.pool.query(`update accounts set name = 'Alice Baker' where email = 'alice@example.com'`);
    expect((await ask(`Bearer ${tokens.access_token}`)).body.name).toBe('Alice Baker');
    await server.pool.query(`delete from artifacts where kind = 'Session'`);
    expect((await ask(`Bearer ${tokens.access_token}`)).status).toBe(401);
  });
});
