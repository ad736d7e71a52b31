import type { AccessDuration } from '../resources/access-duration.ts';
import type { GrantChange, GrantEnd, Permits } from './held-grant.ts';

/** A grant as the engine keeps it, as far as it matters here; the rest is carried along. */
export interface KeptGrant extends Permits {
  /** Seconds since 1970. */
  readonly exp: number;
  readonly lasts?: AccessDuration | undefined;
}

/**
 * The grant with the change; the same object where there is nothing to change. What is taken away is forgotten and not
 * rejected: the app is asked for it, and nothing else, the next time it wants it.
 */
export function changeGrant<Grant extends KeptGrant>(grant: Grant, change: GrantChange): Grant {
  const { end, withoutScope, withoutClaim } = change;
  let changed = end === undefined ? grant : endAt(grant, end);
  if (withoutScope !== undefined) {
    changed = dropScope(changed, withoutScope.scope, withoutScope.at);
  }
  return withoutClaim === undefined ? changed : dropClaim(changed, withoutClaim);
}

function endAt<Grant extends KeptGrant>(grant: Grant, { until, lasts }: GrantEnd): Grant {
  const exp = Math.floor(until.getTime() / 1000);
  return exp === grant.exp && lasts === grant.lasts ? grant : { ...grant, exp, lasts };
}

/**
 * A scope of the default resource server may stand among those of OpenID Connect as well, so that one token serves both
 * (resources/permissions.ts): it goes there too, unless another resource server's scope of that name needs it to stay.
 */
function dropScope<Grant extends KeptGrant>(grant: Grant, scope: string, at: string | undefined): Grant {
  const resources = Object.entries(grant.resources ?? {}).map(
    ([identifier, scopes]) => [identifier, identifier === at ? less(scopes, scope) : scopes] as const,
  );
  const elsewhere = resources.some(([, scopes]) => scopesIn(scopes).includes(scope));
  const openid = at !== undefined && elsewhere ? grant.openid?.scope : less(grant.openid?.scope, scope);
  if (openid === grant.openid?.scope && resources.every(([name, scopes]) => scopes === grant.resources?.[name])) {
    return grant;
  }
  return {
    ...grant,
    ...(grant.openid && { openid: { ...grant.openid, scope: openid } }),
    resources: Object.fromEntries(resources.filter(([, scopes]) => scopes !== '')),
  };
}

function dropClaim<Grant extends KeptGrant>(grant: Grant, claim: string): Grant {
  const claims = grant.openid?.claims ?? [];
  return claims.includes(claim)
    ? { ...grant, openid: { ...grant.openid, claims: claims.filter((one) => one !== claim) } }
    : grant;
}

/** The same text where the scope is not in it. */
function less<Scopes extends string | undefined>(scopes: Scopes, scope: string): Scopes | string {
  const all = scopesIn(scopes);
  return all.includes(scope) ? all.filter((one) => one !== scope).join(' ') : scopes;
}

export function scopesIn(scopes: string | undefined): string[] {
  return scopes?.split(' ').filter((one) => one !== '') ?? [];
}
