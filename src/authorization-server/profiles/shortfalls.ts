import type { Client } from '../clients/client.ts';
import { obstaclesBy, withheldBy } from './problems.ts';
import { heldTo, type ProfileName } from './profile.ts';

type Registered = Pick<Client, 'clientId' | 'metadata'>;

/**
 * What an operator should know of a client at a server of this profile: what its registration asks for and it does not get.
 * `undefined` where there is nothing to tell.
 */
export function shortfallOf({ clientId, metadata }: Registered, server: ProfileName): string | undefined {
  const profile = heldTo(server, metadata.profile);
  const [obstacle] = obstaclesBy(profile, metadata);
  if (obstacle !== undefined) {
    return `${clientId} gets no tokens: ${obstacle.field} ${obstacle.problem}; ${obstacle.fix}`;
  }
  const withheld = withheldBy(profile, metadata);
  return withheld.length === 0
    ? undefined
    : `${clientId} goes without a part of its registration: ${withheld.map(({ field, problem }) => `${field} ${problem}`).join('; ')}`;
}

/** RFC 9700 §2.1.2 and §2.4 advise against both; a profile other than rfc6749 has neither. */
export function usesDiscouragedGrants({ metadata }: Registered): boolean {
  return metadata.grant_types.includes('implicit') || metadata.grant_types.includes('password');
}
