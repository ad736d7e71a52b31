import type { Pool } from 'pg';
import type { Logger } from 'pino';
import * as statements from './token-partitions-statements.ts';
import { rangeOf, SLOT_CLASSES, type SlotRange } from './token-slot.ts';

/** More than clocks differ by, and than the engine tolerates. */
const MARGIN_MS = 10 * 60_000;

/**
 * How far ahead of the tokens: for so long a transaction that has read `tokens`, a backup say, may go on, or all nodes be
 * down, without a trace. Of the wider classes two partitions.
 */
const SECONDS_AHEAD = 6 * 3600;
const WIDTHS_AHEAD = 2;

/** What no token will belong to for so long: time enough for a partition that takes several steps. */
const DISTANT_SECONDS = 2 * 3600;

const LOCK_NOT_AVAILABLE = '55P03';
const PROGRAM_LIMIT_EXCEEDED = '54000';
const UNDEFINED_TABLE = '42P01';

interface Partition {
  readonly name: string;
  /** The slot in front of which it ends as yet; `undefined` when it is detached. */
  readonly attachedUntil: number | undefined;
  readonly range: SlotRange;
}

/** The partitions of `tokens`: made before a token needs them, dropped with all that is in them when they have passed. */
export class TokenPartitions {
  readonly #pool: Pick<Pool, 'query'>;
  readonly #logger: Pick<Logger, 'info' | 'warn'>;

  constructor(pool: Pick<Pool, 'query'>, logger: Pick<Logger, 'info' | 'warn'>) {
    this.#pool = pool;
    this.#logger = logger;
  }

  /**
   * Makes what is missing of the partitions that tokens with these lifetimes (seconds) will need. Any number of nodes may
   * do so at once. One that cannot be made is logged and is no failure: its tokens go to the default partition, and are
   * moved when it can. Requests wait for each attempt, so while somebody holds `tokens` there is one and no more.
   */
  async ensure(lifetimes: readonly number[], now: Date): Promise<void> {
    const existing = new Map((await this.list()).map((one) => [one.name, one]));
    for (const range of rangesAhead(lifetimes, now)) {
      const name = nameOf(range);
      try {
        if (!isWhole(existing.get(name))) {
          await this.#make(name, range, isDistant(range, lifetimes, now));
        }
      } catch (error) {
        this.#logger.warn({ err: error, partition: name }, 'a partition could not be made');
        if (codeOf(error) === LOCK_NOT_AVAILABLE) {
          return;
        }
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
    const { rowCount } = await this.#pool.query(statements.removeExpiredFromDefault(until, limit));
    return rowCount ?? 0;
  }

  /** Those that are there, the ones a killed node left behind between detaching and dropping among them. */
  async list(): Promise<Partition[]> {
    const { rows } = await this.#pool.query<statements.PartitionRow>(statements.LIST);
    return rows.flatMap(({ name, attached_until }) => {
      const range = rangeNamed(name);
      return range === undefined ? [] : [{ name, attachedUntil: attached_until ?? undefined, range }];
    });
  }

  async #make(name: string, range: SlotRange, distant: boolean): Promise<void> {
    if (!distant) {
      await this.#pool.query(statements.admit(name));
    }
    for (let made: Partition | undefined; !isWhole(made); made = await this.#find(name)) {
      try {
        await this.#pool.query(statements.extend(name, range));
      } catch (error) {
        if (!distant || codeOf(error) !== PROGRAM_LIMIT_EXCEEDED) {
          throw error;
        }
        await this.#exclude(name, range);
      }
    }
  }

  /** From the default partition, without anybody waiting for it. */
  async #exclude(name: string, range: SlotRange): Promise<void> {
    await this.#pool.query(statements.exclude(name, range));
    try {
      await this.#pool.query(statements.validate(name));
    } catch (error) {
      await this.#pool.query(statements.admit(name));
      throw error;
    }
  }

  async #find(name: string): Promise<Partition | undefined> {
    return (await this.list()).find((one) => one.name === name);
  }

  /** In two steps, because the second is the longer one, and the first is what requests have to wait for. */
  async #drop({ name, attachedUntil }: Partition): Promise<boolean> {
    try {
      if (attachedUntil !== undefined) {
        await this.#pool.query(statements.detach(name));
      }
      await this.#pool.query(statements.drop(name));
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

/** A detached one is about to be dropped. */
function isWhole(partition: Partition | undefined): boolean {
  return partition !== undefined && (partition.attachedUntil ?? Number.POSITIVE_INFINITY) >= partition.range.endSlot;
}

/** Of tokens that are issued from now on until some partitions later, each once. */
function rangesAhead(lifetimes: readonly number[], now: Date): Iterable<SlotRange> {
  const ranges = lifetimes.flatMap((lifetime) => {
    const first = rangeOf(new Date(now.getTime() + lifetime * 1000), lifetime);
    const ahead = [first];
    for (let range = first; ahead.length <= widthsAhead(first); ahead.push(range)) {
      range = rangeOf(range.until, lifetime);
    }
    return ahead;
  });
  return new Map(ranges.map((range) => [range.firstSlot, range])).values();
}

/** No token that is issued now, or soon, belongs to it. */
function isDistant(range: SlotRange, lifetimes: readonly number[], now: Date): boolean {
  return lifetimes
    .map((lifetime) => rangeOf(new Date(now.getTime() + (lifetime + DISTANT_SECONDS) * 1000), lifetime))
    .every((soon) => soon.class !== range.class || soon.firstSlot < range.firstSlot);
}

function widthsAhead({ class: { width } }: SlotRange): number {
  return Math.max(WIDTHS_AHEAD, Math.ceil(SECONDS_AHEAD / width));
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
