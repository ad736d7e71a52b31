import type { Translate } from '../languages/languages.ts';
import type { Permission } from '../resources/permissions.ts';
import type { ResourceServer } from '../resources/resource-server.ts';

/** One line of what an app may do. */
export interface PermissionWords {
  /** The scope's name, or `claim:` and the claim's. */
  readonly scope: string;
  readonly words: string;
  /** The resource server's name; `undefined` for what is about the account itself. */
  readonly at: string | undefined;
}

/**
 * A scope of a resource server is told in the operator's words, one of OpenID Connect in ours. A name is better than nothing:
 * what has no words must still be seen.
 */
export function permissionWords(
  { kind, name, at }: Pick<Permission, 'kind' | 'name' | 'at'>,
  resourceServers: readonly ResourceServer[],
  t: Translate,
): PermissionWords {
  const server = at === undefined ? undefined : resourceServers.find(({ identifier }) => identifier === at);
  const described = server?.scopes.find((scope) => scope.name === name)?.description;
  const key = `scopes.${kind}.${name}`;
  return {
    scope: kind === 'claim' ? `claim:${name}` : name,
    words: sentence(described ?? (at === undefined && t.has(key) ? t(key) : t('scopes.unknown', { name })), t.language),
    at: server?.name ?? at,
  };
}

/** By resource server, in the order in which each is first named; what is about the account comes first. */
export function byPlace<Words extends Pick<PermissionWords, 'at'>>(lines: readonly Words[]) {
  const places = new Map<string | undefined, Words[]>(
    lines.some(({ at }) => at === undefined) ? [[undefined, []]] : [],
  );
  for (const line of lines) {
    places.set(line.at, [...(places.get(line.at) ?? []), line]);
  }
  return [...places].map(([at, permissions]) => ({ at, permissions }));
}

/** Operators write what completes a sentence, and pages show it as a line of its own. */
export function sentence(words: string, language: string): string {
  const [first = '', ...rest] = words;
  return first.toLocaleUpperCase(language) + rest.join('');
}
