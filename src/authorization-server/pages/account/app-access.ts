import { createHash } from 'node:crypto';
import { scopesIn } from '../../grants/change-grant.ts';
import type { UsedScope } from '../../grants/grant-usage.ts';
import type { HeldAccess, HeldGrant } from '../../grants/held-grant.ts';
import type { ResourceServer } from '../../resources/resource-server.ts';

/** What an app may do, all its grants together: what an account holder is shown of it. */
export interface AppAccess {
  readonly since: Date;
  /** The last of them to end. */
  readonly until: Date;
  /** Whatever there is ends with a browser session. */
  readonly endsWithSession: boolean;
  readonly lastUse: Use | undefined;
  readonly groups: readonly PermissionGroup[];
  /** How many of the permissions were never used. */
  readonly unused: number;
}

export interface Use {
  readonly at: Date;
  /** The resource server's name; `undefined` for this server itself. */
  readonly by: string | undefined;
}

/** What is permitted at one resource server, or about the account. */
export interface PermissionGroup {
  readonly resourceServer: string | undefined;
  readonly name: string | undefined;
  readonly permissions: readonly HeldPermission[];
}

export interface HeldPermission {
  readonly kind: 'scope' | 'claim';
  readonly name: string;
  readonly lastUsed: Date | undefined;
  /** Of a single claim nobody knows. */
  readonly isUnused: boolean;
  /** Without `openid` there is no sign-in: that ends with the whole access. */
  readonly isNeeded: boolean;
}

/** Names an app in an address: client ids may be addresses themselves. */
export function handleOf(clientId: string): string {
  return createHash('sha256').update(`app\0${clientId}`).digest('base64url').slice(0, 22);
}

export function describeAccess(
  { since, grants }: HeldAccess,
  uses: readonly UsedScope[],
  resourceServers: readonly ResourceServer[],
): AppAccess {
  const keys = new Set(grants.map(({ key }) => key));
  const own = uses.filter(({ grantKey }) => keys.has(grantKey));
  const groups = groupsOf(grants, own, resourceServers);
  const permissions = groups.flatMap((group) => group.permissions);
  return {
    since,
    until: new Date(Math.max(...grants.map(({ until }) => until.getTime()))),
    endsWithSession: grants.every(endsWithSession),
    lastUse: lastUseOf(own, resourceServers),
    groups,
    unused: permissions.filter(({ isUnused }) => isUnused).length,
  };
}

/** What came of a sign-in in a browser ends with it, unless the app has access while nobody is there. */
export function endsWithSession({ sessionUid, permits }: HeldGrant): boolean {
  return sessionUid !== undefined && !scopesIn(permits.openid?.scope).includes('offline_access');
}

/** Of one grant, or of several. */
export function lastUseOf(uses: readonly UsedScope[], resourceServers: readonly ResourceServer[]): Use | undefined {
  const [last] = uses.toSorted((one, other) => other.lastUsed.getTime() - one.lastUsed.getTime());
  return last && { at: last.lastUsed, by: nameOf(last.resourceServer, resourceServers) };
}

function groupsOf(
  grants: readonly HeldGrant[],
  uses: readonly UsedScope[],
  resourceServers: readonly ResourceServer[],
): PermissionGroup[] {
  const permits = grants.map((grant) => grant.permits);
  const identifiers = unique(permits.flatMap(({ resources = {} }) => Object.keys(resources)));
  const scopesAt = new Map(
    identifiers.map((one) => [one, unique(permits.flatMap(({ resources = {} }) => scopesIn(resources[one])))]),
  );
  const atResourceServers = new Set([...scopesAt.values()].flat());
  const openid = unique(permits.flatMap(({ openid }) => scopesIn(openid?.scope)));
  const claims = unique(permits.flatMap(({ openid }) => openid?.claims ?? []));
  // A token that came of an exchange is used elsewhere, and for the same permission.
  const usesOf = (scope: string, at: string | undefined) =>
    uses.filter((use) => use.scope === scope && (use.resourceServer === at || !isHeld(scopesAt, use)));
  const held = (name: string, at: string | undefined): HeldPermission => {
    const lastUsed = lastUseOf(usesOf(name, at), [])?.at;
    const isNeeded = at === undefined && name === 'openid';
    return {
      kind: 'scope',
      name,
      lastUsed,
      isUnused: lastUsed === undefined && !isNeeded,
      isNeeded,
    };
  };
  const aboutAccount = [
    ...openid.filter((name) => !atResourceServers.has(name)).map((name) => held(name, undefined)),
    ...claims.map(claim),
  ];
  return [
    { resourceServer: undefined, name: undefined, permissions: aboutAccount },
    ...[...scopesAt].map(([identifier, scopes]) => ({
      resourceServer: identifier,
      name: nameOf(identifier, resourceServers),
      permissions: scopes.map((name) => held(name, identifier)),
    })),
  ].filter(({ permissions }) => permissions.length > 0);
}

function claim(name: string): HeldPermission {
  return { kind: 'claim', name, lastUsed: undefined, isUnused: false, isNeeded: false };
}

function isHeld(scopesAt: ReadonlyMap<string, readonly string[]>, { resourceServer, scope }: UsedScope): boolean {
  return resourceServer === undefined || scope === undefined || !!scopesAt.get(resourceServer)?.includes(scope);
}

function nameOf(identifier: string | undefined, resourceServers: readonly ResourceServer[]): string | undefined {
  return resourceServers.find((one) => one.identifier === identifier)?.name ?? identifier;
}

function unique<Value>(values: readonly Value[]): Value[] {
  return [...new Set(values)];
}
