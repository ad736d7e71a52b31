import type { Fact } from '../run.ts';
import { CLAIMS } from './words.ts';

export interface DecodedJwt {
  readonly header: readonly Fact[];
  readonly claims: readonly Fact[];
}

/** The claims that are moments. */
const MOMENTS = new Set(['exp', 'iat', 'nbf', 'auth_time', 'updated_at']);

/** What a JWT says, without any check: to be read by a person. `undefined` for what is none. */
export function decodeJwt(token: string): DecodedJwt | undefined {
  const parts = token.split('.');
  const [header, claims] = parts.slice(0, 2).map(readPart);
  return parts.length === 3 && header && claims
    ? { header: factsOf(header, CLAIMS), claims: factsOf(claims, CLAIMS) }
    : undefined;
}

function readPart(part: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** Each member with what it means; a name that is not known is shown without words. */
export function factsOf(object: Readonly<Record<string, unknown>>, words: Readonly<Record<string, string>>): Fact[] {
  return Object.entries(object).map(([name, value]) => ({
    name,
    value: MOMENTS.has(name) && typeof value === 'number' ? moment(value) : textOf(value),
    meaning: Object.hasOwn(words, name) ? (words[name] ?? '') : '',
  }));
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** Seconds since 1970, and the same for people. */
export function moment(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime())
    ? String(seconds)
    : `${seconds} = ${date.toISOString().replace('T', ' ').slice(0, 19)} UTC`;
}
