import { describe, expect, it } from 'vitest';
import { durationsWithin, secondsOf } from './access-duration.ts';
import { type DecidedGrant, decide, decisionOn, grantAll, permissionsAsked } from './permissions.ts';
import type { ResourceServer } from './resource-server.ts';

const API = 'https://api.example';
const OTHER = 'https://other.example';

const serverAt = (identifier: string, isDefault: boolean): ResourceServer => ({
  identifier,
  name: identifier,
  isDefault,
  accessTokenFormat: 'opaque',
  accessTokenTtl: undefined,
  scopes: [{ name: 'read', description: 'read' }],
  claims: [],
});
const SERVERS = [serverAt(API, true), serverAt(OTHER, false)];

describe('what is asked for', () => {
  it('is a scope of OpenID Connect, of the default resource server, or a claim, in the order of the request', () => {
    const asked = permissionsAsked({ scope: 'read openid read unknown', claims: ['nickname'] }, SERVERS);
    expect(asked).toEqual([
      { kind: 'scope', name: 'read', at: API, openid: true },
      { kind: 'scope', name: 'openid', at: undefined, openid: true },
      { kind: 'claim', name: 'nickname', at: undefined, openid: true },
    ]);
  });

  it('is at each resource server by itself, where the request names them', () => {
    const asked = permissionsAsked({ scope: 'read', resource: [API, OTHER] }, SERVERS);
    expect(asked.map(({ at, openid }) => [at, openid])).toEqual([
      [API, true],
      [OTHER, false],
    ]);
  });

  it.each(['__proto__', 'constructor'])('is nothing where the resource is %s', (resource) => {
    expect(permissionsAsked({ scope: 'read', resource }, SERVERS)).toEqual([]);
  });
});

describe('a decision', () => {
  const decided = (...answers: readonly boolean[]) => {
    const grant: DecidedGrant = {};
    const [read] = permissionsAsked({ scope: 'read' }, SERVERS);
    if (read === undefined) {
      throw new Error('nothing is asked for');
    }
    for (const allows of answers) {
      decide(grant, read, allows);
    }
    return { grant, decision: decisionOn(grant, read) };
  };

  it('is new, then granted or refused, and the last one counts', () => {
    expect(decided().decision).toBe('new');
    expect(decided(true).decision).toBe('granted');
    expect(decided(true, false).decision).toBe('refused');
    expect(decided(true, false, true).decision).toBe('granted');
  });

  it('stands where the engine looks for it, once, and nowhere else', () => {
    expect(decided(true, true).grant).toEqual({ openid: { scope: 'read' }, resources: { [API]: 'read' } });
    expect(decided(true, false).grant).toEqual({
      openid: { scope: '' },
      resources: { [API]: '' },
      rejected: { openid: { scope: 'read' }, resources: { [API]: 'read' } },
    });
  });

  it('on one resource server is none on another', () => {
    const grant: DecidedGrant = {};
    grantAll(grant, { scope: 'read', resource: OTHER }, SERVERS);
    const [atApi, atOther] = permissionsAsked({ scope: 'read', resource: [API, OTHER] }, SERVERS).map((one) =>
      decisionOn(grant, one),
    );
    expect([atApi, atOther]).toEqual(['new', 'granted']);
    expect(grant.openid).toBeUndefined();
  });
});

describe('durations', () => {
  const DAY = 24 * 3600;

  it('are those that are shorter than a consent may last, and the session where there is one', () => {
    expect(durationsWithin(180 * DAY, { inSession: true })).toEqual(['session', 'hour', 'month', 'revoked']);
    expect(durationsWithin(7 * DAY, { inSession: false })).toEqual(['hour', 'revoked']);
  });

  it('never last longer than that', () => {
    expect(secondsOf('month', 180 * DAY)).toBe(30 * DAY);
    expect(secondsOf('month', DAY)).toBe(DAY);
    expect(secondsOf('session', DAY)).toBe(DAY);
  });
});
