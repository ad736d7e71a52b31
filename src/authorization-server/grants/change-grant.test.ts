import { describe, expect, it } from 'vitest';
import { changeGrant } from './change-grant.ts';

const API = 'https://api.example';
const OTHER = 'https://other.example';
const grant = {
  exp: 2_000_000_000,
  accountId: 'alice',
  openid: { scope: 'openid profile records:read records:write', claims: ['name', 'email'] },
  resources: { [API]: 'records:read records:write' },
};

describe('a grant', () => {
  it('gets another end, and nothing else', () => {
    const until = new Date(1_900_000_000_500);
    const end = { until, lasts: 'month' } as const;
    expect(changeGrant(grant, { end })).toEqual({ ...grant, exp: 1_900_000_000, lasts: 'month' });
    expect(changeGrant(changeGrant(grant, { end }), { end: { until, lasts: undefined } })).toEqual({
      ...grant,
      exp: 1_900_000_000,
    });
  });

  it('loses a scope of a resource server wherever it stands', () => {
    expect(changeGrant(grant, { withoutScope: { scope: 'records:write', at: API } })).toEqual({
      ...grant,
      openid: { ...grant.openid, scope: 'openid profile records:read' },
      resources: { [API]: 'records:read' },
    });
  });

  it('keeps a scope of the same name at another resource server', () => {
    const two = { ...grant, resources: { ...grant.resources, [OTHER]: 'records:read' } };
    const less = changeGrant(two, { withoutScope: { scope: 'records:read', at: OTHER } });
    expect(less).toEqual(grant);
  });

  it('forgets a resource server of which nothing is left', () => {
    const one = { exp: 1, resources: { [API]: 'records:read' } };
    expect(changeGrant(one, { withoutScope: { scope: 'records:read', at: API } })).toEqual({ exp: 1, resources: {} });
  });

  it('loses a scope of OpenID Connect, and a single claim', () => {
    const less = changeGrant(grant, { withoutScope: { scope: 'profile', at: undefined }, withoutClaim: 'email' });
    expect(less.openid).toEqual({ scope: 'openid records:read records:write', claims: ['name'] });
    expect(less.resources).toEqual(grant.resources);
  });

  it.each([
    { withoutScope: { scope: 'records', at: API } },
    { withoutScope: { scope: 'blobs:read', at: API } },
    { withoutScope: { scope: 'records:read', at: '__proto__' } },
    { withoutClaim: 'address' },
    { end: { until: new Date(2_000_000_000_000), lasts: undefined } },
    {},
  ])('is the same object where %j changes nothing', (change) => {
    const known = { exp: 2_000_000_000, resources: { [API]: 'records:read' } };
    const kept = change.withoutScope?.at === '__proto__' ? known : grant;
    expect(changeGrant(kept, change)).toBe(kept);
  });
});
