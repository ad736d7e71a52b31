import { isDeepStrictEqual } from 'node:util';
import type { Pool } from 'pg';
import type { Outcome } from '../directory/apply-directory.ts';
import type { AuthorizationDetailsType } from '../resources/authorization-details.ts';
import type { ResourceServer, ResourceStore, Role, Scope } from '../resources/resource-server.ts';

const LIST_RESOURCE_SERVERS = {
  name: 'list-resource-servers',
  text: `
    select identifier, name, is_default, access_token_format, access_token_ttl, claims,
      array(select json_build_object('name', scopes.name, 'description', scopes.description) from scopes
        where scopes.resource_server = identifier order by scopes.name collate "C") as scopes,
      array(select json_build_object('type', types.type, 'description', types.description,
            'scopes', types.scopes, 'fields', types.fields)
        from authorization_details_types types
        where types.resource_server = identifier order by types.type collate "C") as authorization_details_types
    from resource_servers order by identifier collate "C"`,
};

const PERMITTED_SCOPES = {
  name: 'permitted-scopes',
  text: 'select distinct unnest(scopes) as scope from roles where name = any ($1::text[])',
};

const SAVE_RESOURCE_SERVER = `
  insert into resource_servers (identifier, name, is_default, access_token_format, access_token_ttl, claims)
  values ($1, $2, $3, $4, $5, $6)
  on conflict (identifier) do update set
    name = excluded.name, is_default = excluded.is_default, access_token_format = excluded.access_token_format,
    access_token_ttl = excluded.access_token_ttl, claims = excluded.claims, updated_at = now()`;

const SAVE_SCOPES = `
  insert into scopes (resource_server, name, description)
  select $1, * from unnest($2::text[], $3::text[])
  on conflict (resource_server, name) do update set description = excluded.description`;

/** A type that was another resource server's is this one's from now on. */
const SAVE_AUTHORIZATION_DETAILS_TYPES = `
  insert into authorization_details_types (resource_server, type, description, fields, scopes)
  select $1, type, description, fields, array(select jsonb_array_elements_text(scopes))
    from unnest($2::text[], $3::text[], $4::jsonb[], $5::jsonb[]) as declared (type, description, fields, scopes)
  on conflict (type) do update set resource_server = excluded.resource_server, description = excluded.description,
    fields = excluded.fields, scopes = excluded.scopes`;

const SAVE_ROLE = `
  with existing as (select from roles where name = $1)
  insert into roles (name, description, scopes) values ($1, $2, $3)
  on conflict (name) do update set description = excluded.description, scopes = excluded.scopes
  where (roles.description, roles.scopes) is distinct from (excluded.description, excluded.scopes)
  returning exists (select from existing) as existed`;

interface ResourceServerRow {
  identifier: string;
  name: string;
  is_default: boolean;
  access_token_format: 'opaque' | 'jwt';
  access_token_ttl: number | null;
  claims: string[];
  scopes: Scope[];
  authorization_details_types: AuthorizationDetailsType[];
}

/** Resource servers, their scopes and the roles that permit them, in PostgreSQL. */
export class PostgresResourceStore implements ResourceStore {
  readonly #database: Pick<Pool, 'query'>;

  constructor(database: Pick<Pool, 'query'>) {
    this.#database = database;
  }

  async listResourceServers(): Promise<readonly ResourceServer[]> {
    const { rows } = await this.#database.query<ResourceServerRow>(LIST_RESOURCE_SERVERS);
    return rows.map(toResourceServer);
  }

  async permittedScopes(roles: readonly string[]): Promise<ReadonlySet<string>> {
    const { rows } = await this.#database.query<{ scope: string }>({ ...PERMITTED_SCOPES, values: [roles] });
    return new Set(rows.map(({ scope }) => scope));
  }

  async listRoles(): Promise<readonly Role[]> {
    const { rows } = await this.#database.query<Role>('select name, description, scopes from roles order by name');
    return rows;
  }

  /**
   * Several statements: run it in a transaction. The scopes become exactly those given, and a new default takes the place of the
   * old one. Writes nothing when the resource server is stored like this already.
   */
  async saveResourceServer(server: ResourceServer): Promise<Outcome> {
    const { identifier, name, isDefault, accessTokenFormat, accessTokenTtl, claims, scopes } = server;
    const existing = (await this.listResourceServers()).find((one) => one.identifier === identifier);
    const names = scopes.map((scope) => scope.name);
    if (isDeepStrictEqual(existing, inOrder(server))) {
      return 'unchanged';
    }
    if (isDefault) {
      await this.#database.query(
        'update resource_servers set is_default = false, updated_at = now() where is_default and identifier <> $1',
        [identifier],
      );
    }
    const values = [identifier, name, isDefault, accessTokenFormat, accessTokenTtl, claims];
    await this.#database.query(SAVE_RESOURCE_SERVER, values);
    await this.#database.query('delete from scopes where resource_server = $1 and name <> all ($2::text[])', [
      identifier,
      names,
    ]);
    await this.#database.query(SAVE_SCOPES, [identifier, names, scopes.map(({ description }) => description)]);
    await this.#saveAuthorizationDetailsTypes(identifier, server.authorizationDetailsTypes ?? []);
    return existing === undefined ? 'created' : 'updated';
  }

  async #saveAuthorizationDetailsTypes(identifier: string, types: readonly AuthorizationDetailsType[]): Promise<void> {
    const names = types.map(({ type }) => type);
    await this.#database.query(
      'delete from authorization_details_types where resource_server = $1 and type <> all ($2::text[])',
      [identifier, names],
    );
    await this.#database.query(SAVE_AUTHORIZATION_DETAILS_TYPES, [
      identifier,
      names,
      types.map(({ description }) => description),
      types.map(({ fields }) => JSON.stringify(fields)),
      types.map(({ scopes }) => JSON.stringify(scopes)),
    ]);
  }

  /** Writes nothing when the role is stored like this already. */
  async saveRole({ name, description, scopes }: Role): Promise<Outcome> {
    const values = [name, description, scopes.toSorted()];
    const { rows } = await this.#database.query<{ existed: boolean }>(SAVE_ROLE, values);
    return rows[0] === undefined ? 'unchanged' : rows[0].existed ? 'updated' : 'created';
  }
}

/** As it is listed. */
function inOrder({ scopes, authorizationDetailsTypes = [], ...server }: ResourceServer): ResourceServer {
  return {
    ...server,
    scopes: scopes.toSorted((one, other) => (one.name < other.name ? -1 : 1)),
    ...withTypes(authorizationDetailsTypes.toSorted((one, other) => (one.type < other.type ? -1 : 1))),
  };
}

function withTypes(types: readonly AuthorizationDetailsType[]): Pick<ResourceServer, 'authorizationDetailsTypes'> {
  return types.length === 0 ? {} : { authorizationDetailsTypes: types };
}

function toResourceServer(row: ResourceServerRow): ResourceServer {
  return {
    identifier: row.identifier,
    name: row.name,
    isDefault: row.is_default,
    accessTokenFormat: row.access_token_format,
    accessTokenTtl: row.access_token_ttl ?? undefined,
    scopes: row.scopes,
    ...withTypes(row.authorization_details_types),
    claims: row.claims,
  };
}
