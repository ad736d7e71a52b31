import { type KeptGrant, scopesIn } from './change-grant.ts';
import type { Permits } from './held-grant.ts';

/** A grant with what was refused, in the engine's words. */
export interface DecidedKeptGrant extends KeptGrant {
  readonly rejected?: Permits | undefined;
}

/**
 * The grant that two changes of it lead to, of which each has seen `former` only: `mine` is about to be saved, and `current` is
 * what has been saved meanwhile. Whatever one of them has added is there, and whatever one has taken away is not; the
 * rest is as in `mine`.
 */
export function mergeGrants<Grant extends DecidedKeptGrant>(former: Grant, current: Grant, mine: Grant): Grant {
  return {
    ...mine,
    ...mergePermits(former, current, mine),
    rejected: mergePermits(former.rejected ?? {}, current.rejected ?? {}, mine.rejected ?? {}),
  };
}

function mergePermits(former: Permits, current: Permits, mine: Permits): Permits {
  const openid = (of: (openid: NonNullable<Permits['openid']>) => readonly string[]) =>
    merge(of(former.openid ?? {}), of(current.openid ?? {}), of(mine.openid ?? {}));
  const identifiers = new Set([former, current, mine].flatMap(({ resources = {} }) => Object.keys(resources)));
  const resources = [...identifiers].map((identifier) => {
    const scopes = ({ resources = {} }: Permits) => scopesIn(resources[identifier]);
    return [identifier, merge(scopes(former), scopes(current), scopes(mine)).join(' ')] as const;
  });
  return {
    openid: { scope: openid(({ scope }) => scopesIn(scope)).join(' '), claims: openid(({ claims = [] }) => claims) },
    resources: Object.fromEntries(resources.filter(([, scopes]) => scopes !== '')),
  };
}

function merge(former: readonly string[], current: readonly string[], mine: readonly string[]): string[] {
  const taken = new Set(former.filter((one) => !current.includes(one)));
  const added = current.filter((one) => !former.includes(one) && !mine.includes(one));
  return [...mine.filter((one) => !taken.has(one)), ...added];
}
