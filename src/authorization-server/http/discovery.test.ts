/**
 * C90: discovery tells the truth, under every profile. Each member has an exercise in testing/discovery; one without, or a
 * value that does not do what it says, fails here, and so does whatever works without being advertised.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import { outcomeOf } from '../../testing/discovery/exercise.ts';
import { ALGORITHMS, ENDPOINTS, FLAGS, LISTS } from '../../testing/discovery/exercises.ts';
import { createWorld, type Metadata, type World } from '../../testing/discovery/party.ts';
import { send } from '../../testing/relying-party.ts';
import { PROFILE_NAMES, PROFILES } from '../profiles/profile.ts';

describe.each(PROFILE_NAMES)('C90: the metadata of a server of the profile %s', (profile) => {
  let server: TestServer;
  let metadata: Metadata;
  let world: World;
  beforeAll(async () => {
    server = await startTestServer({ config: (config) => ({ ...config, profile }) });
    metadata = (await send(server.url('/.well-known/openid-configuration'))).body;
    world = await createWorld(server, metadata);
  });
  afterAll(() => server.stop());

  it('is the same for OpenID Connect and for OAuth 2.0', async () => {
    expect((await send(server.url('/.well-known/oauth-authorization-server'))).body).toEqual(metadata);
    expect(metadata.issuer).toBe(server.issuer);
  });

  it('has no member that nothing exercises', () => {
    const exercised = ['issuer', ...ENDPOINTS, ...Object.keys({ ...ALGORITHMS, ...LISTS, ...FLAGS })];
    expect(Object.keys(metadata).filter((member) => !exercised.includes(member))).toEqual([]);
  });

  it('names endpoints that are there', async () => {
    for (const member of ENDPOINTS) {
      const url = metadata[member];
      if (url !== undefined) {
        expect(url).toMatch(new RegExp(`^${server.issuer}/`));
        expect((await send(String(url), { method: 'OPTIONS' })).status, member).toBe(204);
      }
    }
  });

  // A profile that says nothing of algorithms has those of rfc6749, where they are exercised.
  const lists =
    PROFILES[profile].signingAlgs === PROFILES.rfc6749.signingAlgs && profile !== 'rfc6749'
      ? LISTS
      : { ...LISTS, ...ALGORITHMS };
  it.each(Object.entries(lists))('says of %s what works, and all of it', async (member, { others, works }) => {
    const advertised = (metadata[member] ?? []) as readonly string[];
    const working = [];
    const reasons: string[] = [];
    for (const value of new Set([...advertised, ...others])) {
      const outcome = await outcomeOf(works, world, value);
      if (outcome.works) {
        working.push(value);
      } else if (advertised.includes(value)) {
        reasons.push(`${value}: ${outcome.reason ?? 'answered, but not as it should be'}`);
      }
    }
    expect(working.sort(), reasons.join('\n')).toEqual([...advertised].sort());
  });

  it.each(Object.entries(FLAGS))('says of %s whether it is so', async (member, works) => {
    const outcome = await outcomeOf(works, world, member);
    expect(outcome.works, outcome.reason).toBe(metadata[member] ?? false);
  });
});
