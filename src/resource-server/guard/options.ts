import { z } from 'zod';
import type { GuardOptions } from './guard.ts';

const HttpUrl = z.url({ protocol: /^https?$/, error: 'takes a URL that begins with https:// or http://' });
const Filled = z.string().min(1, 'is empty');
const WHOLE = 'takes a whole number above 0; cache.maxAgeSeconds: 0 asks every time';
const Count = z.int(WHOLE).positive(WHOLE);
/** What a Map can hold: lru-cache takes the room for all of them at once. */
const MOST_ENTRIES = 2 ** 24;
/** What a timer can wait for: it takes more for nothing. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;
const having = (method: string) =>
  z.custom((value) => typeof Object(value)[method] === 'function', `takes an object with a method ${method}`);

const Cache = z.strictObject({
  maxAgeSeconds: z.number().min(0).optional(),
  maxEntries: Count.max(MOST_ENTRIES, `takes ${MOST_ENTRIES} at most`).optional(),
  maxBytes: Count.optional(),
});

/** That a secret is there, and filled, is said where it is used. */
const Possession = z.strictObject({
  publicUrl: HttpUrl.optional(),
  boundTokensOnly: z.boolean().optional(),
  nonceSecret: z.string().optional(),
  isFirstUse: z.custom((value) => typeof value === 'function', 'takes a function').optional(),
  clientCertificates: z
    .union([z.literal('tls'), z.strictObject({ header: Filled })], "takes 'tls' or { header: '...' }")
    .optional(),
});

const Options = z
  .strictObject({
    issuer: HttpUrl,
    audience: Filled,
    strategy: z
      .union(
        [z.enum(['introspection', 'jwt']), z.strictObject({ repository: having('query') })],
        "takes 'introspection', 'jwt' or { repository: pool }",
      )
      .optional(),
    clientId: Filled.optional(),
    clientSecret: Filled.optional(),
    timeoutMs: z.number().positive().max(LONGEST_TIMEOUT_MS).optional(),
    cache: Cache.optional(),
    logger: having('warn').optional(),
    name: z.string().optional(),
    scopes: z.array(z.string()).optional(),
    possession: Possession.optional(),
  } satisfies Record<keyof GuardOptions, z.ZodType>)
  .check(({ value: { clientId, clientSecret }, issues }) => {
    // One without the other is a variable that was forgotten: going on without would mean never to hear of a revocation.
    if ((clientId === undefined) !== (clientSecret === undefined)) {
      const missing = clientId === undefined ? 'clientId' : 'clientSecret';
      const message = 'is missing: clientId and clientSecret come together';
      issues.push({ code: 'custom', path: [missing], message, input: undefined });
    }
  });

/**
 * What is used from now on, each read once. Says at once, and all of it, what a compiler would have said: nobody should find out by the
 * first request, and a name that is misspelt must not make a guard that guards less than was meant. Throws `TypeError`.
 */
export function meantOptions(given: GuardOptions): GuardOptions {
  const { data, error } = Options.safeParse(given);
  if (error !== undefined) {
    throw new TypeError(`createGuard() does not work with these options\n${z.prettifyError(error)}`);
  }
  return data as GuardOptions;
}
