import type { Question } from './access-token.ts';

export interface RequireOptions {
  /** RFC 9470: one of these ways to sign in must have been used. */
  readonly acrValues?: readonly string[];
  /** RFC 9470: the account holder must have signed in within so many seconds. */
  readonly maxAge?: number;
}

/** What a request needs beside a good token. */
export interface Requirement extends RequireOptions {
  readonly scopes: readonly string[];
  readonly question: Question;
}

/** RFC 6749 §3.3: what a scope is written with, and what else stands in a list between spaces. */
const NAME = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/**
 * `scope` is one scope, several between spaces, or a list of them, all of which are needed; an empty one is needed by what
 * takes any good token. Without one the token's scopes are the business of whoever asked for it.
 */
export function requirement(scope: string | readonly string[] | undefined, options: RequireOptions = {}): Requirement {
  const scopes = (typeof scope === 'string' ? scope.split(' ') : (scope ?? [])).filter((one) => one !== '');
  const { acrValues, maxAge } = options;
  const wrong = [...scopes, ...(acrValues ?? [])].find((one) => !NAME.test(one));
  if (wrong !== undefined) {
    throw new TypeError(`${JSON.stringify(wrong)} is no name of a scope or an acr`);
  }
  if (acrValues?.length === 0 || (maxAge !== undefined && !(maxAge >= 0))) {
    throw new TypeError('acrValues are one or more, maxAge is a number of seconds');
  }
  return { ...options, scopes, question: { scopes: scope === undefined ? undefined : scopes } };
}
