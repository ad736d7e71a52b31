import type { Grant } from '../flows/authorization-code/consent.ts';
import type { ResourceServer } from '../resources/resource-server.ts';

/** One line of the consent page: completes "This app will be able to ...". */
export interface Permission {
  readonly scope: string;
  readonly words: string;
  /** The resource server's name; `undefined` for what is about the account itself. */
  readonly at: string | undefined;
}

/** OpenID Connect Core §5.4 and §11. */
const OPENID_SCOPES: Readonly<Record<string, string>> = {
  openid: 'confirm who you are',
  profile: 'see your name and profile',
  email: 'see your email address',
  address: 'see your postal address',
  phone: 'see your phone number',
  offline_access: 'keep this access while you are away, until you take it back',
};

/** OpenID Connect Core §5.1; single claims are asked for with the `claims` parameter. */
const OPENID_CLAIMS: Readonly<Record<string, string>> = {
  name: 'see your name',
  given_name: 'see your first name',
  family_name: 'see your family name',
  middle_name: 'see your middle name',
  nickname: 'see your nickname',
  preferred_username: 'see your username',
  profile: 'see the address of your profile page',
  website: 'see the address of your website',
  gender: 'see your gender',
  email: 'see your email address',
  email_verified: 'see whether your email address is verified',
  picture: 'see your picture',
  birthdate: 'see your date of birth',
  phone_number: 'see your phone number',
  phone_number_verified: 'see whether your phone number is verified',
  address: 'see your postal address',
  locale: 'see your language',
  zoneinfo: 'see your time zone',
  updated_at: 'see when your account last changed',
};

export interface Asked {
  readonly grant: Grant;
  /** The `scope` parameter of the request. */
  readonly scope: string;
  /** The claims that it asks for by name (OpenID Connect Core §5.5). */
  readonly claims: readonly string[];
  readonly resourceServers: readonly ResourceServer[];
}

/**
 * What the client may do once the grant is stored, as far as it asked for it: read off the grant itself, so that the
 * page cannot show less than the approval gives.
 */
export function permissionsOf({ grant, scope, claims, resourceServers }: Asked): Permission[] {
  const requested = scope.split(' ').filter((name) => name !== '');
  const granted = new Set(grant.getOIDCScopeFiltered(requested).split(' '));
  const api = Object.keys(grant.resources ?? {}).flatMap((resource) =>
    resourcePermissions(grant, resource, requested, resourceServers),
  );
  const named = new Set(api.map((permission) => permission.scope));
  const openid = requested
    .filter((name) => granted.has(name) && (Object.hasOwn(OPENID_SCOPES, name) || !named.has(name)))
    .map((name) => ({ scope: name, words: wordsOf(OPENID_SCOPES, name), at: undefined }));
  const said = new Set(openid.map(({ words }) => words));
  const single = grant
    .getOIDCClaimsFiltered([...claims])
    .map((name) => ({ scope: `claim:${name}`, words: wordsOf(OPENID_CLAIMS, name), at: undefined }))
    .filter(({ words }) => !said.has(words));
  return [...openid, ...single, ...api];
}

function resourcePermissions(
  grant: Grant,
  identifier: string,
  requested: string[],
  resourceServers: readonly ResourceServer[],
): Permission[] {
  const server = resourceServers.find((candidate) => candidate.identifier === identifier);
  const granted = grant.getResourceScopeFiltered(identifier, requested).split(' ').filter(Boolean);
  return granted.map((name) => ({
    scope: name,
    words: server?.scopes.find((scope) => scope.name === name)?.description ?? unknownWords(name),
    at: server?.name ?? identifier,
  }));
}

function wordsOf(catalogue: Readonly<Record<string, string>>, name: string): string {
  return Object.hasOwn(catalogue, name) ? (catalogue[name] ?? name) : unknownWords(name);
}

/** A name is better than nothing: what has no words must still be seen. */
function unknownWords(name: string): string {
  return `use “${name}”`;
}
