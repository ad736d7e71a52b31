import { z } from 'zod';
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
const Name = z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, 'is no name of a scope or an acr');
const Names = z.array(Name);

/** Nothing but these: a route must not be open wider than was meant because `acr_values` is not what that is called here. */
const Options = z.strictObject({ acrValues: Names.min(1).optional(), maxAge: z.number().min(0).optional() });

/**
 * `scope` is one scope, several between spaces, or a list of them, all of which are needed; an empty one is needed by what
 * takes any good token. Without one the token's scopes are the business of whoever asked for it.
 */
export function requirement(scope: string | readonly string[] | undefined, options?: RequireOptions): Requirement {
  const given = typeof scope === 'string' ? scope.split(' ').filter((one) => one !== '') : scope;
  const scopes = given === undefined ? [] : meant(Names, given);
  return {
    ...(options && (meant(Options, options) as RequireOptions)),
    scopes,
    question: { scopes: given && scopes },
  };
}

function meant<Value>(schema: z.ZodType<Value>, value: unknown): Value {
  const { data, error } = schema.safeParse(value);
  if (error !== undefined) {
    throw new TypeError(`nobody can require ${JSON.stringify(value)}\n${z.prettifyError(error)}`);
  }
  return data as Value;
}
