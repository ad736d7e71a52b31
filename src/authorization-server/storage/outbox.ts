import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import type { Delivery, Outbox } from '../operations/deliveries.ts';
import type { Sealing } from './sealing.ts';

const ADD = 'insert into outbox (id, kind, sealed) values ($1, $2, $3)';

/** Committed at once, as a lease: no transaction is open, and no row locked, while somebody else's server takes its time. */
const CLAIM = `
  with due as (
    select id from outbox where kind = $1 and next_attempt_at <= now()
    order by next_attempt_at limit $2 for update skip locked)
  update outbox set attempts = attempts + 1, next_attempt_at = now() + make_interval(secs => $3)
  from due where outbox.id = due.id
  returning outbox.id, sealed, attempts, extract(epoch from now() - created_at)::float8 as age`;

const POSTPONE = 'update outbox set next_attempt_at = now() + make_interval(secs => $2) where id = $1';

const REMOVE = 'delete from outbox where id = $1';

/** The newest first. */
const LIST = 'select id, sealed, created_at from outbox where kind = $1 order by created_at desc, id limit $2';

/** What nobody has delivered, whatever the reason: longer than anyone tries. */
export const removeUndelivered = (limit: number) => ({
  name: 'outbox-remove-undelivered',
  text: `with old as (
      select id from outbox where created_at < now() - interval '4 days' limit $1 for update skip locked)
    delete from outbox using old where outbox.id = old.id`,
  values: [limit],
});

/** A secret may come back. */
const UNOPENED_SECONDS = 3_600;

interface Row {
  readonly id: string;
  readonly sealed: string;
}

export class PostgresOutbox implements Outbox {
  readonly #pool: Pick<Pool, 'query'>;
  readonly #sealing: Pick<Sealing, 'seal' | 'open'>;

  constructor(pool: Pick<Pool, 'query'>, sealing: Pick<Sealing, 'seal' | 'open'>) {
    this.#pool = pool;
    this.#sealing = sealing;
  }

  async add(kind: string, payload: string): Promise<void> {
    const values = [randomUUID(), kind, this.#sealing.seal(purposeOf(kind), payload)];
    await this.#pool.query({ name: 'outbox-add', text: ADD, values });
  }

  async claim(kind: string, { most, seconds }: { most: number; seconds: number }): Promise<Delivery[]> {
    const { rows } = await this.#pool.query<Row & { attempts: number; age: number }>({
      name: 'outbox-claim',
      text: CLAIM,
      values: [kind, most, seconds],
    });
    const opened = rows.map((row) => ({ row, payload: this.#open(kind, row) }));
    // Sealed by a secret that was retired: it stays until it is removed with what nobody has delivered, and out of the way.
    await Promise.all(opened.map(({ row, payload }) => payload ?? this.postpone(row.id, UNOPENED_SECONDS)));
    return opened.flatMap(({ row, payload }) =>
      payload === undefined ? [] : [{ id: row.id, payload, attempt: row.attempts, age: row.age }],
    );
  }

  async postpone(id: string, seconds: number): Promise<void> {
    await this.#pool.query({ name: 'outbox-postpone', text: POSTPONE, values: [id, seconds] });
  }

  async remove(id: string): Promise<void> {
    await this.#pool.query({ name: 'outbox-remove', text: REMOVE, values: [id] });
  }

  /** What waits, the newest first. */
  async list(kind: string, most: number): Promise<{ id: string; payload: string; at: Date }[]> {
    const { rows } = await this.#pool.query<Row & { created_at: Date }>(LIST, [kind, most]);
    return rows.flatMap((row) => {
      const payload = this.#open(kind, row);
      return payload === undefined ? [] : [{ id: row.id, payload, at: row.created_at }];
    });
  }

  #open(kind: string, { sealed }: Row): string | undefined {
    return this.#sealing.open(purposeOf(kind), sealed);
  }
}

const purposeOf = (kind: string) => `outbox ${kind}`;
