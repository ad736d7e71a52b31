import { describe, expect, it } from 'vitest';
import { decideScopes, describeRefusal, type RefusedScope, type ScopeQuestion } from './scope-policy.ts';

const resourceScopes = new Set(['records:read', 'records:write', 'blobs:read']);
const client = {
  scope: 'openid profile offline_access records:read records:write',
  default_scope: 'openid records:read',
};
const user = new Set(['records:read', 'records:write', 'blobs:read']);
const guest = new Set(['records:read']);

function decide(requested: string | undefined, changes: Partial<ScopeQuestion> = {}) {
  return decideScopes({ requested, client, permitted: user, resourceScopes, ...changes });
}

describe('decideScopes', () => {
  it('grants what is requested, known, allowed to the client and permitted to the account', () => {
    expect(decide('openid records:write')).toEqual({ granted: ['openid', 'records:write'], refused: [] });
  });

  it('C11: grants the known scopes and tells the unknown ones apart', () => {
    const refused = [{ scope: 'records:delete', reason: 'unknown' }];
    expect(decide('records:read records:delete')).toEqual({ granted: ['records:read'], refused });
  });

  it('C11: grants nothing when only unknown scopes are requested', () => {
    expect(decide('foo bar').granted).toEqual([]);
  });

  it('C33: refuses a scope that the client is not registered for', () => {
    const refused = [{ scope: 'blobs:read', reason: 'not_allowed_to_client' }];
    expect(decide('blobs:read')).toEqual({ granted: [], refused });
  });

  it('refuses a scope that no role of the account permits', () => {
    const refused = [{ scope: 'records:write', reason: 'not_permitted_to_account' }];
    expect(decide('records:read records:write', { permitted: guest })).toEqual({ granted: ['records:read'], refused });
  });

  it('asks no role for scopes of OpenID Connect', () => {
    expect(decide('openid profile offline_access', { permitted: new Set() }).refused).toEqual([]);
  });

  it('allows nothing to a client that is registered without a scope', () => {
    expect(decide('openid records:read', { client: {} }).granted).toEqual([]);
  });

  it.each([undefined, '', ' '])('C10: takes the default scopes of the client when %j is requested', (requested) => {
    expect(decide(requested)).toEqual({ granted: ['openid', 'records:read'], refused: [] });
  });

  it('C10: grants nothing when nothing is requested and there is no default', () => {
    expect(decide(undefined, { client: { scope: client.scope } })).toEqual({ granted: [], refused: [] });
  });

  it('holds the default scopes to the same limits', () => {
    const broad = { scope: client.scope, default_scope: 'records:read records:write' };
    const refused = [{ scope: 'records:write', reason: 'not_permitted_to_account' }];
    expect(decide(undefined, { client: broad, permitted: guest })).toEqual({ granted: ['records:read'], refused });
  });

  it('keeps the order of the request and grants a scope once', () => {
    expect(decide('records:write  openid records:write').granted).toEqual(['records:write', 'openid']);
  });

  it('compares whole scopes, letter by letter', () => {
    expect(decide('records Records:read records:rea records:read\t').granted).toEqual([]);
  });

  it.each(['__proto__', 'constructor', 'toString'])('does not take %s for a scope', (scope) => {
    expect(decide(scope)).toEqual({ granted: [], refused: [{ scope, reason: 'unknown' }] });
  });
});

describe('decideScopes for a client that acts for itself', () => {
  const machine = { scope: 'openid offline_access records:read', default_scope: 'records:read' };

  it('asks no role', () => {
    expect(decide('records:read', { client: machine, permitted: undefined }).granted).toEqual(['records:read']);
  });

  it('C33: never grants a scope of OpenID Connect, even one the client has for its other grants', () => {
    const decision = decide('openid offline_access records:read', { client: machine, permitted: undefined });
    expect(decision.granted).toEqual(['records:read']);
    expect(decision.refused.map(({ reason }) => reason)).toEqual(['not_allowed_to_client', 'not_allowed_to_client']);
  });
});

describe('describeRefusal', () => {
  it('names the scopes and says why', () => {
    const { refused } = decide('foo blobs:read records:write bar', { permitted: guest });
    expect(describeRefusal(refused)).toBe(
      'refused scopes: not known here: foo bar; not allowed to this client: blobs:read; not permitted to this account by its roles: records:write',
    );
  });

  it('says so when there was nothing to refuse', () => {
    expect(describeRefusal([])).toBe('no scope was requested, and this client has no default scope');
  });

  it('is ASCII without quotes and backslashes whatever was asked for (RFC 6749 §5.2)', () => {
    const { refused } = decide('"quoted" back\\slash ünïcode line\r\nbreak nul\0 😀');
    expect(describeRefusal(refused)).toMatch(/^[\x20\x21\x23-\x5B\x5D-\x7E]+$/);
  });

  it('C103: stays short for a long list of long scopes', () => {
    const refused = Array.from(
      { length: 10_000 },
      (_, index): RefusedScope => ({ scope: `${index}-${'x'.repeat(999)}`, reason: 'unknown' }),
    );
    expect(describeRefusal(refused).length).toBeLessThan(500);
    expect(describeRefusal(refused)).toMatch(/and 9995 more$/);
  });
});
