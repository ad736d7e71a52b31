/** What entries of a directory say about each other, and about what exists already. */
import { OPENID_SCOPES } from '../resources/scope-policy.ts';
import type { Directory } from './directory.ts';
import type { Mistake } from './mistake.ts';

/** The names that an entry may refer to. */
export interface Known {
  readonly resourceServers: ReadonlySet<string>;
  readonly scopes: ReadonlySet<string>;
  readonly roles: ReadonlySet<string>;
  /** Types of authorization details (RFC 9396), and the resource server of each. */
  readonly authorizationDetailsTypes: ReadonlyMap<string, string>;
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
  const ownTypes = raw.resourceServers.flatMap((server) =>
    valuesOf(fieldOf(server, 'authorizationDetailsTypes'), 'type'),
  );
  const types = new Set([...known.authorizationDetailsTypes.keys(), ...ownTypes]);

  return [
    ...doubleMistakes(directory),
    ...typeMistakes(directory, known),
    ...directory.resourceServers.flatMap(({ identifier, scopes: own, authorizationDetailsTypes = [] }) =>
      authorizationDetailsTypes.flatMap(({ type, scopes: needed }) =>
        missing(
          `resourceServers.${identifier}.authorizationDetailsTypes.${type}.scopes`,
          'scope of this resource server',
          needed,
          new Set(own.map(({ name }) => name)),
        ),
      ),
    ),
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
        `clients.${clientId}.authorization_details_types`,
        'type of authorization details',
        metadata.authorization_details_types ?? [],
        types,
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

/** A request names a type, and by that a resource server. */
function typeMistakes({ resourceServers }: Directory, known: Known): Mistake[] {
  const named = new Set(resourceServers.map(({ identifier }) => identifier));
  const owners = new Map([...known.authorizationDetailsTypes].filter(([, owner]) => !named.has(owner)));
  return resourceServers.flatMap(({ identifier, authorizationDetailsTypes = [] }) =>
    authorizationDetailsTypes.flatMap(({ type }) => {
      const owner = owners.get(type);
      owners.set(type, identifier);
      const fix = 'keep one of them, or give one another name';
      const path = `resourceServers.${identifier}.authorizationDetailsTypes`;
      return owner === undefined ? [] : [{ path, problem: `has the type ${type}, which ${owner} has already`, fix }];
    }),
  );
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
