/** Tokens by the million, made inside the database as the product would have made them: each can be introspected. */
import { createHash } from 'node:crypto';
import type pg from 'pg';
import { slotOf } from '../../src/authorization-server/storage/token-slot.ts';

const LIFETIME = 3600;

export interface Tokens {
  readonly count: number;
  /** When the first and the last of them expire, in seconds since 1970; the others evenly between. */
  readonly from: number;
  readonly until: number;
}

/** Copies of the newest token that the product has issued to a machine, under other ids. */
export async function fill(client: pg.Client, { count, from, until }: Tokens): Promise<void> {
  const first = slotOf(from, LIFETIME);
  await client.query(`
    with model as (select * from tokens where kind = 'ClientCredentials' order by slot desc limit 1),
    made as (
      select n, ${first} + (n::bigint * ${until - from} / ${count})::integer as slot from generate_series(0, ${count - 1}) as n
    ),
    named as (
      select slot, rtrim(translate(
        encode(int4send(slot) || substring(sha256(int4send(n)) for 28), 'base64'), '+/', '-_'), '=') as id from made
    )
    insert into tokens (slot, key, kind, client_id, payload)
    select named.slot, encode(substring(sha256('\\x546f6b656e00'::bytea || convert_to(id, 'UTF8')) for 16), 'hex')::uuid,
      kind, client_id, payload from named, model`);
}

/** The id of one of them. */
export function idOf({ count, from, until }: Tokens, n: number): string {
  const bytes = Buffer.alloc(32);
  bytes.writeInt32BE(slotOf(from, LIFETIME) + Math.floor((n * (until - from)) / count));
  const number = Buffer.alloc(4);
  number.writeInt32BE(n);
  createHash('sha256').update(number).digest().copy(bytes, 4, 0, 28);
  return bytes.toString('base64url');
}
