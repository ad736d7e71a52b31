/** What many settings are made of, with words for what is wrong and what to do about it. */
import { z } from 'zod';

/** A zod check that says what is wrong and, apart from that, what to do about it. */
export const because = (problem: string, fix: string) => ({ error: problem, params: { fix } });

export const seconds = z.int().min(1).max(3_155_760_000);
export const count = z.int().min(1);
export const port = z.int().min(0).max(65_535);
export const listen = z.strictObject({ host: z.string().min(1), port });

/** Somebody else's server: what it calls itself may end in a slash. */
export const foreignUrl = z
  .string()
  .refine((value) => ['http:', 'https:'].includes(URL.parse(value)?.protocol ?? ''), {
    ...because('is not an http or https URL', 'write it in full, like https://login.example.com'),
    abort: true,
  })
  .refine(
    (value) => {
      const url = new URL(value);
      return !/[?#]/.test(value) && url.username === '' && url.password === '';
    },
    because('has a query, a fragment or credentials', 'leave them out: the URL identifies a server'),
  );

export const webUrl = foreignUrl.refine(
  (value) => !value.endsWith('/'),
  because('ends in a slash', 'leave the slash out'),
);

/** A variable holds them in one text, as RFC 6749 §3.3 writes them, or separated by commas. */
export const scopes = z.preprocess(
  (value) => (typeof value === 'string' ? value.split(/[\s,]+/).filter((one) => one !== '') : value),
  z.array(z.string().regex(/^[\x21\x23-\x2B\x2D-\x5B\x5D-\x7E]+$/)),
);
