/** What entries of a directory say about each other, and about what exists already. */
import { OPENID_SCOPES } from '../resources/scope-policy.ts';
import type { Directory } from './directory.ts';
import type { Mistake } from './mistake.ts';

/** The names that an entry may refer to. */
export interface Known {
  readonly resourceServers: ReadonlySet<string>;
  readonly scopes: ReadonlySet<string>;
  readonly roles: ReadonlySet<string>;
}

/** The lists as they stand in the file: a broken entry is no reason to call every reference to it broken, too. */
interface RawLists {
  readonly resourceServers: readonly unknown[];
  readonly roles: readonly unknown[];
}

export function referenceMistakes(directory: Directory, raw: RawLists, known: Known): Mistake[] {
  const resourceServers = new Set([...known.resourceServers, ...valuesOf(raw.resourceServers, 'identifier')]);
  const roles = new Set([...known.roles, ...valuesOf(raw.roles, 'name')]);
  const ownScopes = raw.resourceServers.flatMap((server) => valuesOf(fieldOf(server, 'scopes'), 'name'));
  const scopes = new Set([...known.scopes, ...ownScopes]);
  const clientScopes = new Set([...scopes, ...OPENID_SCOPES]);

  return [
    ...doubleMistakes(directory),
    ...directory.roles.flatMap((role) => missing(`roles.${role.name}.scopes`, 'scope', role.scopes, scopes)),
    ...directory.accounts.flatMap((account) =>
      missing(`accounts.${account.email}.roles`, 'role', account.roles, roles),
    ),
    ...directory.trustedIssuers.flatMap((issuer) =>
      missing(`trustedIssuers.${issuer.issuer}.scopes`, 'scope', issuer.scopes, scopes),
    ),
    ...directory.clients.flatMap(({ clientId, metadata, resourceServer }) => [
      ...missing(`clients.${clientId}.scope`, 'scope', metadata.scope?.split(' ') ?? [], clientScopes),
      ...missing(
        `clients.${clientId}.resource_server`,
        'resource server',
        resourceServer === undefined ? [] : [resourceServer],
        resourceServers,
      ),
      ...missing(
        `clients.${clientId}.token_exchange.audiences`,
        'resource server',
        metadata.token_exchange?.audiences ?? [],
        resourceServers,
      ),
    ]),
  ];
}

function doubleMistakes({ resourceServers }: Directory): Mistake[] {
  const defaults = resourceServers.filter(({ isDefault }) => isDefault);
  const twoDefaults = defaults.slice(1).map(({ identifier }) => ({
    path: `resourceServers.${identifier}.default`,
    problem: `is true, and for ${defaults[0]?.identifier} too`,
    fix: 'choose one: it is the audience of tokens for which no resource was asked',
  }));
  const twoScopes = resourceServers.flatMap(({ identifier, scopes }) =>
    scopes
      .filter(({ name }, index) => scopes.findIndex((scope) => scope.name === name) !== index)
      .map(({ name }) => ({
        path: `resourceServers.${identifier}.scopes`,
        problem: `has the scope ${name} more than once`,
        fix: 'keep one of them',
      })),
  );
  return [...twoDefaults, ...twoScopes];
}

function missing(path: string, kind: string, names: readonly string[], known: ReadonlySet<string>): Mistake[] {
  return names
    .filter((name) => !known.has(name))
    .map((name) => ({
      path,
      problem: `names the ${kind} ${JSON.stringify(name)}, which does not exist`,
      fix: `correct it, or add the ${kind}; there is: ${[...known].join(', ') || 'none yet'}`,
    }));
}

function valuesOf(list: unknown, key: string): string[] {
  const values = Array.isArray(list) ? list.map((item) => fieldOf(item, key)) : [];
  return values.filter((value) => typeof value === 'string');
}

function fieldOf(item: unknown, key: string): unknown {
  return (item as Record<string, unknown> | null | undefined)?.[key];
}
