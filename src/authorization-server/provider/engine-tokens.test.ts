import { readFileSync } from 'node:fs';
import Provider, { type Adapter } from 'oidc-provider';
import introspection from 'oidc-provider/lib/actions/introspection.js';
import revocation from 'oidc-provider/lib/actions/revocation.js';
import rejectStructuredTokens from 'oidc-provider/lib/shared/reject_structured_tokens.js';
import { expect, it } from 'vitest';
import { admitStructuredTokens, detectReplays, keepWith, renameToken } from './engine-tokens.ts';

/** Nothing is kept here. */
const artifactless = {} as Adapter;

const createEngine = () =>
  new Provider('http://localhost:3000', {
    adapter: () => artifactless,
    jwks: { keys: [] },
    cookies: { keys: ['a key'] },
    features: { devInteractions: { enabled: false }, clientCredentials: { enabled: true } },
  });

it('names the version that it was checked against, as package.json does', () => {
  const { dependencies } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));
  const source = readFileSync(new URL('./engine-tokens.ts', import.meta.url), 'utf8');
  expect(source).toContain(`oidc-provider ${dependencies['oidc-provider']}`);
});

it('takes the check for JWTs out of introspection and revocation, however often it is asked to', () => {
  const before = [introspection.length, revocation.length];
  admitStructuredTokens();
  admitStructuredTokens();
  expect(introspection).not.toContain(rejectStructuredTokens);
  expect(revocation).not.toContain(rejectStructuredTokens);
  expect([introspection.length, revocation.length]).toEqual(before);
});

it('lets access tokens carry a member of ours, of one engine and no other', () => {
  const [ours, other] = [createEngine(), createEngine()];
  keepWith(ours, ['AccessToken', 'ClientCredentials'], 'exchanged');
  const members = { exchanged: { by: 'gateway' } } as never;
  expect(new ours.AccessToken(members)).toMatchObject(members);
  expect(new ours.ClientCredentials(members)).toMatchObject(members);
  expect(new other.AccessToken(members)).not.toHaveProperty('exchanged');
});

it('tells the value that a token has under another id', async () => {
  const token = { jti: 'one', getValueAndPayload: async () => ({ value: `value of ${token.jti}` }) };
  expect(await renameToken(token, 'another')).toBe('value of another');
});

it('C46: remembers a DPoP proof for as long as one of the near future is good', async () => {
  const engine = createEngine();
  const remembered: number[] = [];
  detectReplays(engine, async (_id, lifetime) => remembered.push(lifetime) > 0);
  const now = Date.now() / 1000;
  // As the engine asks about a proof whose `iat` may be five minutes ahead, and which is good for five minutes from there.
  await (engine.ReplayDetection as unknown as { unique(...of: unknown[]): unknown }).unique('client', 'jti', now + 300);
  expect(remembered[0]).toBeGreaterThan(595);
});
