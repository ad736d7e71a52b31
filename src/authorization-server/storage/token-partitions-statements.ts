import { SLOT_CLASSES, type SlotRange, slotOf } from './token-slot.ts';

/** Any number that nothing else in a database of ours locks. */
const PARTITION_LOCK = 0x746f6b65;

/**
 * Requests queue up behind a statement that waits for its lock on `tokens`: so long for those who hold it already, and
 * what is done under it takes as long at most.
 */
const LOCK_TIMEOUT_MS = 50;

/** Rows that are moved under the lock: some 30 ms. */
const MOVED_AT_ONCE = 2_000;

/** Of the default partition, which an attach reads from end to end under the lock: some 30 ms. */
const READ_UNDER_LOCK_BYTES = 16 * 2 ** 20;

/** `attached_until`: the slot in front of which the partition ends as yet, `null` when it is detached. */
export interface PartitionRow {
  readonly name: string;
  readonly attached_until: number | null;
}

/** Of the bound that the catalogue knows: `FOR VALUES FROM (1) TO ('-5')`. */
const ATTACHED_UNTIL = `substring(pg_get_expr(relpartbound, oid) from 'TO \\(''?(-?\\d+)')::int`;

export const LIST = {
  name: 'token-partitions',
  text: `select relname as name, ${ATTACHED_UNTIL} as attached_until from pg_class
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

/** At most `limit` of those that expired before `until`, seconds since 1970. */
export const removeExpiredFromDefault = (until: number, limit: number) => ({
  ...REMOVE_EXPIRED_FROM_DEFAULT,
  values: [
    SLOT_CLASSES.map(({ longest }) => slotOf(0, longest)),
    SLOT_CLASSES.map(({ longest }) => slotOf(until, longest)),
    limit,
  ],
});

/**
 * Makes the partition of a range, or lets it reach further, by as much as `MOVED_AT_ONCE` rows that the default partition
 * has of it. They go where the partition is attached in the same moment, so that they are found at any time.
 *
 * Nobody reads `tokens` meanwhile: who had looked up its partitions before and then waited for one of them would not find
 * what was moved, nor could issue what the default one no longer takes. So whoever comes waits in front of `tokens` itself,
 * and looks afterwards. All that takes long is done before: the table with its indexes is there when the lock is taken.
 */
export function extend(name: string, range: SlotRange): string {
  const { firstSlot, endSlot } = range;
  const ofRange = (end: string) => `from tokens_default where slot >= reached and slot < ${end}`;
  return inOneTransaction(`
    select ${ATTACHED_UNTIL} into reached from pg_class where oid = to_regclass('${name}');
    if reached >= ${endSlot} or (reached is null and to_regclass('${name}') is not null) then
      return;
    end if;
    if pg_relation_size('tokens_default') > ${READ_UNDER_LOCK_BYTES} and not ${isExcluded(name, 'convalidated')} then
      raise program_limit_exceeded using message = 'tokens_default is too big to be read while requests wait';
    end if;
    if reached is null then
      create table ${name} (like tokens including all) with (${storageParameters(range)});
    end if;
    lock table only tokens in access exclusive mode;
    lock table tokens_default in access exclusive mode;
    if reached is not null then
      alter table tokens detach partition ${name};
    end if;
    reached := coalesce(reached, ${firstSlot});
    until := coalesce((select slot ${ofRange(`${endSlot}`)} order by slot offset ${MOVED_AT_ONCE} limit 1), ${endSlot});
    until := greatest(until, reached + 1);
    with moved as (delete ${ofRange('until')} returning *) insert into ${name} select * from moved;
    execute format('alter table tokens attach partition ${name} for values from (${firstSlot}) to (%s)', until);
    -- Not before: it is what spares the attach from reading the table.
    alter table tokens_default drop constraint if exists ${name};`);
}

/**
 * The default partition takes no more tokens of the range, and of those that it has somebody makes sure that there are
 * none (`validate`), while requests go on. An attach need not read it then, however big it is. Of a range that no token
 * belongs to yet: one that came before the partition is attached would be refused, which is why `admit` ends it.
 */
export function exclude(name: string, { firstSlot, endSlot }: SlotRange): string {
  return inOneTransaction(`
    if not ${isExcluded(name)} then
      alter table tokens_default add constraint ${name} check (slot < ${firstSlot} or slot >= ${endSlot}) not valid;
    end if;`);
}

/** Takes as long as it takes to read the table, so nobody else's partitions wait for it. */
export function validate(name: string): string {
  return `do $$ begin
    perform set_config('lock_timeout', '${LOCK_TIMEOUT_MS}', true);
    alter table tokens_default validate constraint ${name};
  end $$`;
}

export function admit(name: string): string {
  return inOneTransaction(`
    if ${isExcluded(name)} then
      alter table tokens_default drop constraint ${name};
    end if;`);
}

function isExcluded(name: string, further = 'true'): string {
  return `exists (select from pg_constraint
    where conrelid = 'tokens_default'::regclass and conname = '${name}' and ${further})`;
}

export function detach(name: string): string {
  return inOneTransaction(`alter table tokens detach partition ${name};`);
}

export function drop(name: string): string {
  return inOneTransaction(`drop table ${name};`);
}

/** In one message: none of ours stays open when a node dies. */
function inOneTransaction(statements: string): string {
  return `do $$ declare reached int; until int; begin
    perform pg_advisory_xact_lock(${PARTITION_LOCK});
    perform set_config('lock_timeout', '${LOCK_TIMEOUT_MS}', true);
    ${statements}
  end $$`;
}

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
