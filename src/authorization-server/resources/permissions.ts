/**
 * What a person can be asked to permit a client, one by one, and what became of each in a Grant. The engine's own methods
 * add and reject, and take nothing back: what was refused once would stay refused.
 */

import type { ResourceServer } from './resource-server.ts';
import { OPENID_SCOPES } from './scope-policy.ts';

export interface Permission {
  readonly kind: 'scope' | 'claim';
  readonly name: string;
  /** The resource server whose scope it is; `undefined` for what is about the account itself. */
  readonly at: string | undefined;
  /** The scope stands among those of OpenID Connect, and its token serves userinfo, too. */
  readonly openid: boolean;
}

/** What was asked for, in the words of an authorization request. */
export interface AskedFor {
  readonly scope?: unknown;
  /** Resource servers by their identifiers; none for the default one. */
  readonly resource?: unknown;
  /** Single claims, by name (OpenID Connect Core §5.5). */
  readonly claims?: Iterable<string>;
}

/** A Grant of the engine, as far as it matters here. */
export interface DecidedGrant extends Permits {
  rejected?: Permits | undefined;
}

interface Permits {
  openid?: { scope?: string; claims?: string[] } | undefined;
  resources?: Record<string, string> | undefined;
}

/**
 * The scopes of the default resource server are asked for with `openid` or alone, and are the same permission either way: they
 * stand in a Grant both among those of OpenID Connect, so that one token serves userinfo and that one, and with their
 * resource server, so that they stay with it when another becomes the default.
 */
export function permissionsAsked(
  { scope, resource, claims = [] }: AskedFor,
  resourceServers: readonly ResourceServer[],
): readonly Permission[] {
  const scopes = [...new Set(namesIn(typeof scope === 'string' ? scope : undefined))];
  const named = [resource ?? []].flat();
  const addressed = resourceServers.filter(({ identifier, isDefault }) =>
    named.length === 0 ? isDefault : named.includes(identifier),
  );
  const offering = (name: string) =>
    addressed.filter(({ scopes: offered }) => offered.some((one) => one.name === name));
  return [
    ...scopes.flatMap((name): Permission[] =>
      OPENID_SCOPES.includes(name)
        ? [openidPermission('scope', name)]
        : offering(name).map(({ identifier, isDefault }) => ({
            kind: 'scope',
            name,
            at: identifier,
            openid: isDefault,
          })),
    ),
    ...[...claims].map((name) => openidPermission('claim', name)),
  ];
}

export function openidPermission(kind: Permission['kind'], name: string): Permission {
  return { kind, name, at: undefined, openid: true };
}

export type Decision = 'granted' | 'refused' | 'new';

export function decisionOn(grant: DecidedGrant, permission: Permission): Decision {
  const places = placesOf(permission);
  if (places.some((place) => grant.rejected !== undefined && place.read(grant.rejected).includes(permission.name))) {
    return 'refused';
  }
  return places.every((place) => place.read(grant).includes(permission.name)) ? 'granted' : 'new';
}

/** Remembers a no as well: nobody is asked the same thing again and again. */
export function decide(grant: DecidedGrant, permission: Permission, allows: boolean): void {
  if (!allows) {
    grant.rejected ??= {};
  }
  const { rejected = {} } = grant;
  const [into, outOf] = allows ? [grant, rejected] : [rejected, grant];
  for (const place of placesOf(permission)) {
    const [had, others] = [place.read(into), place.read(outOf)];
    if (!had.includes(permission.name)) {
      place.write(into, [...had, permission.name]);
    }
    if (others.includes(permission.name)) {
      place.write(
        outOf,
        others.filter((name) => name !== permission.name),
      );
    }
  }
}

/** Everything that is asked for, in a Grant that nothing was refused in. */
export function grantAll(grant: DecidedGrant, asked: AskedFor, resourceServers: readonly ResourceServer[]): void {
  for (const permission of permissionsAsked(asked, resourceServers)) {
    decide(grant, permission, true);
  }
}

interface Place {
  read(permits: Permits): readonly string[];
  write(permits: Permits, names: readonly string[]): void;
}

function placesOf({ kind, at, openid }: Permission): readonly Place[] {
  if (kind === 'claim') {
    return [CLAIMS];
  }
  return [...(openid ? [SCOPES] : []), ...(at === undefined ? [] : [scopesAt(at)])];
}

const SCOPES: Place = {
  read: ({ openid }) => namesIn(openid?.scope),
  write(permits, names) {
    permits.openid = { ...permits.openid, scope: names.join(' ') };
  },
};

const CLAIMS: Place = {
  read: ({ openid }) => openid?.claims ?? [],
  write(permits, names) {
    permits.openid = { ...permits.openid, claims: [...names] };
  },
};

const scopesAt = (resource: string): Place => ({
  read: ({ resources = {} }) => namesIn(Object.hasOwn(resources, resource) ? resources[resource] : undefined),
  write(permits, names) {
    permits.resources = { ...permits.resources, [resource]: names.join(' ') };
  },
});

function namesIn(scope: string | undefined): readonly string[] {
  return scope?.split(' ').filter((name) => name !== '') ?? [];
}
