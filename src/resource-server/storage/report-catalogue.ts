import { z } from 'zod';

/** A question about records and blobs that a caller may have answered, and may not word. */
export interface Report {
  readonly description: string;
  /** What it takes, as a JSON object; everything in it has a default. */
  readonly parameters: z.ZodType<Readonly<Record<string, number>> & { readonly count: number }>;
  /**
   * One `select` that ends in its order: the limit is added. `:name` is a parameter. `records` and `blobs` are those that
   * the caller reaches and nobody else's, uploads that are still running not among them.
   */
  readonly sql: string;
}

const whole = (least: number, most: number) =>
  z.int(`is not a whole number from ${least} to ${most}`).min(least).max(most);
const days = (usually: number) => whole(1, 366).default(usually).describe('how many days back, today among them (UTC)');
const count = (usually: number) => whole(1, 500).default(usually).describe('how many rows at most');

/** Every report that there is. */
export const REPORTS: ReadonlyMap<string, Report> = new Map<string, Report>([
  [
    'records-per-day',
    {
      description: 'how many records each day brought, days without any included',
      parameters: z.strictObject({ days: days(30), count: count(366) }),
      sql: `
        select to_char(day, 'YYYY-MM-DD') as day, count(records.id)::int as records
        from generate_series((now() at time zone 'utc')::date - :days::int + 1, (now() at time zone 'utc')::date, interval '1 day') day
        left join records on records.created_at >= day at time zone 'utc'
          and records.created_at < (day + interval '1 day') at time zone 'utc'
        group by day order by day`,
    },
  ],
  [
    'recent-changes',
    {
      description: 'which records were created or changed, the latest first',
      parameters: z.strictObject({ days: days(7), count: count(50) }),
      sql: `
        select id, title, case when updated_at > created_at then 'changed' else 'created' end as what, updated_at as at,
          owner_kind, owner_id
        from records where updated_at >= ((now() at time zone 'utc')::date - :days::int + 1) at time zone 'utc'
        order by updated_at desc, position desc`,
    },
  ],
  [
    'longest-records',
    {
      description: 'the records with the longest bodies',
      parameters: z.strictObject({ count: count(10) }),
      sql: `
        select id, title, length(body) as characters, updated_at, owner_kind, owner_id
        from records order by length(body) desc, position`,
    },
  ],
  [
    'words',
    {
      description: 'the words used most in titles and bodies, and in how many records each occurs',
      parameters: z.strictObject({
        shortest: whole(1, 50).default(4).describe('how many letters a word has at least'),
        count: count(25),
      }),
      sql: `
        select word, count(*)::int as occurrences, count(distinct id)::int as records
        from records, regexp_split_to_table(lower(title || ' ' || body), '\\W+') as word
        where length(word) >= :shortest
        group by word order by occurrences desc, word`,
    },
  ],
  [
    'files-by-type',
    {
      description: 'how many files there are of each media type, and how large they are',
      parameters: z.strictObject({ count: count(100) }),
      sql: `
        select content_type, count(*)::int as files, sum(size)::float8 as bytes, max(created_at) as latest
        from blobs group by content_type order by bytes desc, content_type`,
    },
  ],
]);
