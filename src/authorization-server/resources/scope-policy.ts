/**
 * Who may get which scope (RFC 6749 §3.3). The one place that decides it, for every flow:
 *
 *   requested (or the client's default) ∩ known ∩ allowed to the client ∩ permitted to the account by its roles
 *
 * and after that what the account holder consents to. Scopes of OpenID Connect are about the account itself: they need
 * no role, and a client that acts for nobody never gets one.
 */

/** OpenID Connect Core §5.4 and §11; `roles` is ours, and tells what the account's roles are. */
export const OPENID_SCOPES: readonly string[] = [
  'openid',
  'profile',
  'email',
  'address',
  'phone',
  'roles',
  'offline_access',
];

export interface ScopeQuestion {
  /** The `scope` parameter as it came in. */
  readonly requested: string | undefined;
  readonly client: { readonly scope?: string | undefined; readonly default_scope?: string | undefined };
  /** What the account's roles permit; `undefined` when the client acts for itself (RFC 6749 §4.4). */
  readonly permitted: ReadonlySet<string> | undefined;
  /** The scopes of the resource server that the token is for. */
  readonly resourceScopes: ReadonlySet<string>;
}

export interface RefusedScope {
  readonly scope: string;
  readonly reason: keyof typeof REASONS;
}

export interface ScopeDecision {
  /** In the order of the request, each once. */
  readonly granted: readonly string[];
  readonly refused: readonly RefusedScope[];
}

export function decideScopes({ requested, client, permitted, resourceScopes }: ScopeQuestion): ScopeDecision {
  const allowed = registeredScopes(client.scope);
  const asked = scopesOf(requested);
  const granted: string[] = [];
  const refused: RefusedScope[] = [];
  for (const scope of asked.size > 0 ? asked : registeredScopes(client.default_scope)) {
    const reason = refusalOf(scope, { resourceScopes, allowed, permitted });
    if (reason === undefined) {
      granted.push(scope);
    } else {
      refused.push({ scope, reason });
    }
  }
  return { granted, refused };
}

interface Limits {
  readonly resourceScopes: ReadonlySet<string>;
  readonly allowed: ReadonlySet<string>;
  readonly permitted: ReadonlySet<string> | undefined;
}

function refusalOf(scope: string, { resourceScopes, allowed, permitted }: Limits): RefusedScope['reason'] | undefined {
  const aboutAccount = OPENID_SCOPES.includes(scope);
  if (!aboutAccount && !resourceScopes.has(scope)) {
    return 'unknown';
  }
  if (!allowed.has(scope) || (aboutAccount && permitted === undefined)) {
    return 'not_allowed_to_client';
  }
  return aboutAccount || permitted === undefined || permitted.has(scope) ? undefined : 'not_permitted_to_account';
}

/** Every request of a client is about the same few: they are taken apart once. */
const registered = new Map<string, ReadonlySet<string>>();
const MOST_REGISTERED = 10_000;

function registeredScopes(scope = ''): ReadonlySet<string> {
  const known = registered.get(scope);
  if (known !== undefined) {
    return known;
  }
  if (registered.size >= MOST_REGISTERED) {
    registered.clear();
  }
  const scopes = scopesOf(scope);
  registered.set(scope, scopes);
  return scopes;
}

function scopesOf(scope: string | undefined): Set<string> {
  return new Set(scope?.split(' ').filter((one) => one !== ''));
}

const REASONS = {
  unknown: 'not known here',
  not_allowed_to_client: 'not allowed to this client',
  not_permitted_to_account: 'not permitted to this account by its roles',
  beyond_presented_token: 'not held by the presented token',
  not_allowed_to_issuer: 'not allowed to the issuer of the assertion',
} as const;

/** A stranger chooses the names: so many of them, and so much of each, are repeated. */
const MOST_NAMED = 5;
const LONGEST_NAME = 60;

/**
 * One sentence for `error_description`: which scopes were refused, and why. ASCII without quotes and backslashes, whatever
 * was asked for (RFC 6749 §5.2).
 */
export function describeRefusal(refused: readonly RefusedScope[]): string {
  if (refused.length === 0) {
    return 'no scope was requested, and this client has no default scope';
  }
  const parts = Object.entries(REASONS).flatMap(([reason, words]) => {
    const scopes = refused.filter((one) => one.reason === reason).map(({ scope }) => scope);
    return scopes.length === 0 ? [] : [`${words}: ${listed(scopes)}`];
  });
  return `refused scopes: ${parts.join('; ')}`;
}

function listed(scopes: readonly string[]): string {
  const names = scopes.slice(0, MOST_NAMED).map((scope) => {
    const printable = scope.slice(0, LONGEST_NAME).replace(/[^\x21\x23-\x5B\x5D-\x7E]/g, '?');
    return scope.length > LONGEST_NAME ? `${printable}...` : printable;
  });
  const more = scopes.length - names.length;
  return names.join(' ') + (more > 0 ? ` and ${more} more` : '');
}
