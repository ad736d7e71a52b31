import type { Pool, PoolClient } from 'pg';
import { inTransaction } from '../../database/transaction.ts';
import type { Owner } from '../owner.ts';
import { ownerParameters } from './owner-columns.ts';
import type { RecordContent } from './records.ts';

/** What somebody is to find at an API that nobody has used yet. Times are days ago. */
export interface Belongings {
  readonly owner: Owner;
  readonly records: readonly (RecordContent & { readonly created: number; readonly changed: number })[];
  readonly files: readonly { readonly contentType: string; readonly text: string; readonly created: number }[];
}

/**
 * Once in the life of a database, and never beside what people have written: what numbers the records remembers whether there
 * ever was one, deleted ones too. So nothing that somebody deletes comes back.
 */
export async function furnish(pool: Pool, all: readonly Belongings[]): Promise<void> {
  await inTransaction(pool, async (client) => {
    await client.query('lock table records in share row exclusive mode'); // Of two at once the second one comes too late.
    const { rows } = await client.query<{ used: boolean }>('select is_called as used from records_position_seq');
    if (rows[0]?.used !== false) {
      return;
    }
    // Numbers that were given out are gone, in a transaction that fails as well; those of a sequence begun anew are not.
    await client.query('alter sequence records_position_seq restart');
    await keepRecords(client, all);
    await keepFiles(client, all);
  });
}

async function keepRecords(client: PoolClient, all: readonly Belongings[]): Promise<void> {
  const records = all.flatMap(({ owner, records }) => records.map((record) => ({ owner, ...record })));
  records.sort((one, other) => other.created - one.created); // Lists go by the order in which records came to be.
  for (const { owner, title, body, created, changed } of records) {
    await client.query(
      `insert into records (owner_kind, owner_id, title, body, created_at, updated_at)
       values ($1, $2, $3, $4, now() - $5::float8 * interval '1 day', now() - $6::float8 * interval '1 day')`,
      [...ownerParameters(owner), title, body, created, changed],
    );
  }
}

async function keepFiles(client: PoolClient, all: readonly Belongings[]): Promise<void> {
  const files = all.flatMap(({ owner, files }) => files.map((file) => ({ owner, ...file })));
  for (const { owner, contentType, text, created } of files) {
    const bytes = Buffer.from(text);
    await client.query(
      `with blob as (
         insert into blobs (owner_kind, owner_id, content_type, size, created_at, completed_at)
         select $1, $2, $3, $4, at, at from (select now() - $5::float8 * interval '1 day' as at) as moment
         returning id)
       insert into blob_chunks (blob_id, position, bytes) select id, 0, $6 from blob`,
      [...ownerParameters(owner), contentType, bytes.length, created, bytes],
    );
  }
}
