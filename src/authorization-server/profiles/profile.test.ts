import { describe, expect, it } from 'vitest';
import { ClientRegistration } from '../clients/registration.ts';
import { obstaclesBy, withheldBy } from './problems.ts';
import { heldTo, PROFILE_NAMES, PROFILES } from './profile.ts';

const web = ClientRegistration.parse({ redirect_uris: ['https://app.example.com/callback'] });
const legacy = ClientRegistration.parse({
  redirect_uris: ['http://localhost:3002/callback'],
  grant_types: ['authorization_code', 'implicit', 'password'],
  response_types: ['code', 'token'],
});

describe('a client that names a profile', () => {
  it.each(PROFILE_NAMES)('is held to %s alone where the server has the same or none of its own', (name) => {
    expect(heldTo(name)).toBe(PROFILES[name]);
    expect(heldTo(name, name)).toBe(PROFILES[name]);
    expect(heldTo('rfc6749', name)).toEqual(PROFILES[name]);
    expect(heldTo(name, 'rfc6749')).toEqual(PROFILES[name]);
  });

  it('is held to both profiles where both say something', () => {
    const both = heldTo('mcp', 'fapi-2.0');
    expect(both).toMatchObject({
      name: 'mcp and fapi-2.0',
      redirectUris: 'https, or loopback of native clients',
      pushedRequests: true,
      boundTokens: true,
      rotation: false,
      loopbackMeansNative: true,
      longestCode: 60,
    });
    expect(both.grantTypes).toEqual(PROFILES['fapi-2.0'].grantTypes);
    expect({ ...heldTo('fapi-2.0', 'mcp'), name: '' }).toEqual({ ...both, name: '' });
  });

  it('never becomes laxer by it', () => {
    for (const server of PROFILE_NAMES) {
      for (const own of PROFILE_NAMES) {
        const [laxer, stricter] = [PROFILES[server], heldTo(server, own)];
        for (const list of ['grantTypes', 'responseTypes', 'authMethods', 'signingAlgs'] as const) {
          const [before, after]: (ReadonlySet<string> | undefined)[] = [laxer[list], stricter[list]];
          expect(before === undefined || after?.isSubsetOf(before), `${server} ${own} ${list}`).toBe(true);
        }
        for (const demand of ['pkceForAll', 'pushedRequests', 'boundTokens', 'fapi'] as const) {
          expect(stricter[demand] || !laxer[demand], `${server} ${own} ${demand}`).toBe(true);
        }
      }
    }
  });
});

describe('a registration', () => {
  it('has no problem with what RFC 6749 has', () => {
    expect(withheldBy(PROFILES.rfc6749, legacy)).toEqual([]);
    expect(obstaclesBy(PROFILES.rfc6749, legacy)).toEqual([]);
  });

  it.each(['oauth-2.1', 'mcp'] as const)('goes without implicit and password under %s', (name) => {
    expect(withheldBy(PROFILES[name], legacy).map(({ problem }) => problem)).toEqual([
      `has implicit, which ${name} does not allow`,
      `has password, which ${name} does not allow`,
      `has token, which ${name} does not allow`,
    ]);
    expect(obstaclesBy(PROFILES[name], legacy)).toEqual([]);
    expect(withheldBy(PROFILES[name], web)).toEqual([]);
  });

  it('of a client with a secret, or with none, cannot be used under fapi-2.0', () => {
    const native = ClientRegistration.parse({
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      redirect_uris: ['http://127.0.0.1/callback', 'com.example.app:/callback'],
    });
    expect(obstaclesBy(PROFILES['fapi-2.0'], legacy).map(({ field }) => field)).toEqual([
      'token_endpoint_auth_method',
      'redirect_uris',
    ]);
    expect(obstaclesBy(PROFILES['fapi-2.0'], native).map(({ problem }) => problem)).toEqual([
      'is none, which fapi-2.0 does not allow',
      'has com.example.app:/callback, which fapi-2.0 does not allow',
    ]);
    expect(obstaclesBy(PROFILES.mcp, native).map(({ field }) => field)).toEqual(['redirect_uris']);
  });

  it('with an algorithm of RSASSA-PKCS1-v1_5 cannot be used under fapi-2.0', () => {
    const confidential = { ...web, token_endpoint_auth_method: 'private_key_jwt' as const };
    expect(obstaclesBy(PROFILES['fapi-2.0'], confidential)).toEqual([]);
    for (const field of [
      'id_token_signed_response_alg',
      'token_endpoint_auth_signing_alg',
      'request_object_signing_alg',
    ]) {
      expect(obstaclesBy(PROFILES['fapi-2.0'], { ...confidential, [field]: 'ES256' })).toEqual([]);
      expect(obstaclesBy(PROFILES['fapi-2.0'], { ...confidential, [field]: 'RS256' })).toMatchObject([{ field }]);
    }
  });

  it('of a client that only introspects is nothing to a profile', () => {
    const introspects = { ...legacy, grant_types: [], response_types: [] };
    for (const name of PROFILE_NAMES) {
      expect(obstaclesBy(PROFILES[name], introspects)).toEqual([]);
    }
  });

  it('is refused what the profile that it names forbids', () => {
    const parse = (profile: string) =>
      ClientRegistration.safeParse({ ...legacy, profile }).error?.issues.map(({ path }) => path.join('.'));
    expect(parse('rfc6749')).toBeUndefined();
    expect(parse('oauth-2.1')).toEqual(['grant_types', 'grant_types', 'response_types']);
    expect(parse('nonsense')).toEqual(['profile']);
  });
});
