import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { rangeOf, SLOT_CLASSES, type SlotRange, slotOf } from './token-slot.ts';

/** Any number that nothing else in a database of ours locks. */
const PARTITION_LOCK = 0x746f6b65;

/**
 * Requests queue up behind a statement that waits for its lock on `tokens`, so it does not wait for long; the next run
 * tries again. A long transaction, such as a backup, can delay a partition and stalls nobody.
 */
const LOCK_TIMEOUT_MS = 100;

/** More than clocks differ by, and than the engine tolerates. */
const MARGIN_MS = 10 * 60_000;

/** How far ahead of the tokens: as many partitions can fail to be made in time, or node can be down, without a trace. */
const WIDTHS_AHEAD = 2;

const LOCK_NOT_AVAILABLE = '55P03';
const CHECK_VIOLATION = '23514';
const UNDEFINED_TABLE = '42P01';

interface Partition {
  readonly name: string;
  readonly attached: boolean;
  readonly range: SlotRange;
}

/** The partitions of `tokens`: made before a token needs them, dropped with all that is in them when they have passed. */
export class TokenPartitions {
  readonly #pool: Pick<Pool, 'query'>;
  readonly #logger: Pick<Logger, 'info' | 'warn'>;
  /** What was said in the log already: by the name that the partition would have. */
  readonly #leftToDefault = new Set<string>();

  constructor(pool: Pick<Pool, 'query'>, logger: Pick<Logger, 'info' | 'warn'>) {
    this.#pool = pool;
    this.#logger = logger;
  }

  /**
   * Makes what is missing of the partitions that tokens with these lifetimes (seconds) will need. Any number of nodes may
   * do so at once. One that cannot be made is logged and is no failure: its tokens go to the default partition.
   */
  async ensure(lifetimes: readonly number[], now: Date): Promise<void> {
    const existing = new Set((await this.list()).map(({ name }) => name));
    for (const range of rangesAhead(lifetimes, now)) {
      const name = nameOf(range);
      if (!existing.has(name) && !this.#leftToDefault.has(name)) {
        await this.#create(name, range);
      }
    }
  }

  /**
   * Drops the oldest of the partitions that hold nothing but expired tokens, and returns its name. One at a time: while the
   * files of a million tokens are deleted, everybody's commits take longer. One that is in use has to wait.
   */
  async dropPast(now: Date): Promise<string | undefined> {
    const [oldest] = (await this.list())
      .filter(({ range }) => range.until.getTime() + MARGIN_MS < now.getTime())
      .sort((one, other) => one.range.until.getTime() - other.range.until.getTime());
    return oldest && (await this.#drop(oldest)) ? oldest.name : undefined;
  }

  /** Removes at most `limit` expired tokens that had no partition of their own, and says how many there were. */
  async removeExpiredFromDefault(now: Date, limit: number): Promise<number> {
    const until = (now.getTime() - MARGIN_MS) / 1000;
    const { rowCount } = await this.#pool.query({
      ...REMOVE_EXPIRED_FROM_DEFAULT,
      values: [
        SLOT_CLASSES.map(({ longest }) => slotOf(0, longest)),
        SLOT_CLASSES.map(({ longest }) => slotOf(until, longest)),
        limit,
      ],
    });
    return rowCount ?? 0;
  }

  /** Those that are there, the ones a killed node left behind between detaching and dropping among them. */
  async list(): Promise<Partition[]> {
    const { rows } = await this.#pool.query<{ name: string; attached: boolean }>(LIST);
    return rows.flatMap(({ name, attached }) => {
      const range = rangeNamed(name);
      return range === undefined ? [] : [{ name, attached, range }];
    });
  }

  async #create(name: string, range: SlotRange): Promise<void> {
    try {
      await this.#pool.query(createStatement(name, range));
    } catch (error) {
      if (codeOf(error) === CHECK_VIOLATION) {
        this.#leftToDefault.add(name);
        this.#logger.info({ partition: name }, 'the default partition keeps these tokens: it has some already');
      } else {
        this.#logger.warn({ err: error, partition: name }, 'a partition could not be made');
      }
    }
  }

  /** In two steps, because the second is the longer one, and the first is what requests have to wait for. */
  async #drop({ name, attached }: Partition): Promise<boolean> {
    try {
      if (attached) {
        await this.#pool.query(withLock(`alter table tokens detach partition ${name};`));
      }
      await this.#pool.query(withLock(`drop table ${name};`));
      return true;
    } catch (error) {
      if (codeOf(error) === UNDEFINED_TABLE) {
        return false; // Another node was faster.
      }
      if (codeOf(error) !== LOCK_NOT_AVAILABLE) {
        throw error;
      }
      this.#logger.info({ partition: name }, 'a past partition is in use, and will be dropped later');
      return false;
    }
  }
}

const LIST = {
  name: 'token-partitions',
  text: `select relname as name, relispartition as attached from pg_class
    where relkind = 'r' and relnamespace = (select relnamespace from pg_class where oid = 'tokens'::regclass)
      and relname like 'tokens\\_%' order by relname`,
};

const REMOVE_EXPIRED_FROM_DEFAULT = {
  name: 'tokens-remove-expired-from-default',
  text: `with expired as (
      select slot, key from unnest($1::integer[], $2::integer[]) as past (first, until)
        join tokens_default on slot >= past.first and slot < past.until limit $3 for update of tokens_default skip locked)
    delete from tokens_default using expired
      where tokens_default.slot = expired.slot and tokens_default.key = expired.key`,
};

/**
 * No partition is analysed while it is small. PostgreSQL would plan to read it from end to end, which prepared statements keep
 * to until its next look, a minute and perhaps 100,000 tokens later; of a table it knows nothing about it expects ten
 * pages, and takes the index. A partition of hours or a day is gone before a vacuum would have been worth its while;
 * one of weeks is better frozen bit by bit than all at once.
 */
function storageParameters({ class: { width } }: SlotRange): string {
  const vacuum =
    width > 24 * 3600
      ? 'autovacuum_vacuum_threshold = 10000, fillfactor = 80'
      : `autovacuum_vacuum_threshold = ${NEVER}, autovacuum_vacuum_insert_threshold = -1`;
  return `autovacuum_analyze_threshold = 10000, ${vacuum}`;
}

/** As many rows have to be dead before a vacuum. */
const NEVER = 2 ** 31 - 1;

/** Made apart and attached, which needs no lock on `tokens` that a request would wait for. */
function createStatement(name: string, range: SlotRange): string {
  const { firstSlot, endSlot } = range;
  return withLock(`
    if to_regclass('${name}') is null then
      if exists (select from tokens_default where slot >= ${firstSlot} and slot < ${endSlot}) then
        raise check_violation;
      end if;
      create table ${name} (like tokens including all) with (${storageParameters(range)});
      alter table tokens attach partition ${name} for values from (${firstSlot}) to (${endSlot});
    end if;`);
}

/** One transaction in one message: none of ours stays open when a node dies. */
function withLock(statements: string): string {
  return `do $$ begin
    perform pg_advisory_xact_lock(${PARTITION_LOCK});
    perform set_config('lock_timeout', '${LOCK_TIMEOUT_MS}', true);
    ${statements}
  end $$`;
}

/** Of tokens that are issued from now on until some partitions later. */
function rangesAhead(lifetimes: readonly number[], now: Date): SlotRange[] {
  return lifetimes.flatMap((lifetime) => {
    const ranges = [rangeOf(new Date(now.getTime() + lifetime * 1000), lifetime)];
    for (let range = ranges[0]; range && ranges.length <= WIDTHS_AHEAD; ) {
      range = rangeOf(range.until, lifetime);
      ranges.push(range);
    }
    return ranges;
  });
}

/** `tokens_hour_2026112220`: the class, and when the first of its tokens expire. */
function nameOf(range: SlotRange): string {
  return `tokens_${range.class.name}_${range.from.toISOString().slice(0, 13).replaceAll(/\D/g, '')}`;
}

/** Of a partition with such a name. */
export function rangeNamed(name: string): SlotRange | undefined {
  const [, className, year, month, day, hour] = /^tokens_(\w+)_(\d{4})(\d\d)(\d\d)(\d\d)$/.exec(name) ?? [];
  const slotClass = SLOT_CLASSES.find((one) => one.name === className);
  return (
    slotClass &&
    rangeOf(new Date(Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour))), slotClass.longest)
  );
}

function codeOf(error: unknown): string | undefined {
  return (error as { code?: string }).code;
}
