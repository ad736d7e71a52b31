import { randomFillSync } from 'node:crypto';

/**
 * Where a token is kept is part of its id, so that it is found and forgotten together with all that expire when it does.
 *
 * A slot is the second in which a token expires, counted from 2020, in the lower 30 bits (until 2054), and above them a
 * class by how long it lives. `tokens` is partitioned by ranges of slots: each class has partitions as wide as suits its
 * lifetimes, so that few of them are alive at once, and one that has passed holds nothing but expired tokens. An id is
 * the four bytes of its slot and 224 random bits. Whoever invents an id invents a slot, and finds nothing there.
 */
export interface SlotClass {
  readonly name: string;
  /** Seconds: tokens that live at most so long. */
  readonly longest: number;
  /** Seconds that one partition spans. */
  readonly width: number;
}

const HOUR = 3600;
const DAY = 24 * HOUR;
const WEEK = 7 * DAY;

export const SLOT_CLASSES: readonly SlotClass[] = [
  { name: 'hour', longest: 6 * HOUR, width: HOUR },
  { name: 'day', longest: 6 * DAY, width: DAY },
  { name: 'week', longest: 6 * WEEK, width: WEEK },
  { name: 'eight_weeks', longest: Number.POSITIVE_INFINITY, width: 8 * WEEK },
];

const EPOCH = Date.UTC(2020, 0, 1) / 1000;
const CLASS_SIZE = 2 ** 30;
/** So that what follows the last slot of a class is still an integer of 32 bits. */
const LAST = CLASS_SIZE - 2;
const SLOT_BYTES = 4;
const RANDOM_BYTES = 28;

/** `expiresAt` in seconds since 1970, `lifetime` in seconds. A signed 32-bit integer, as PostgreSQL has them. */
export function slotOf(expiresAt: number, lifetime: number): number {
  const place = SLOT_CLASSES.findIndex(({ longest }) => lifetime <= longest);
  return slotIn(place, expiresAt);
}

/** A token id of 43 characters (base64url) that is kept in this slot. */
export function createTokenId(slot: number): string {
  if (drawn + RANDOM_BYTES > pool.length) {
    randomFillSync(pool);
    drawn = 0;
  }
  const bytes = Buffer.allocUnsafe(SLOT_BYTES + RANDOM_BYTES);
  bytes.writeInt32BE(slot);
  pool.copy(bytes, SLOT_BYTES, drawn, drawn + RANDOM_BYTES);
  // Nothing that was given out stays here to be read.
  pool.fill(0, drawn, drawn + RANDOM_BYTES);
  drawn += RANDOM_BYTES;
  return bytes.toString('base64url');
}

/** Random bytes that are yet to be used: drawing many at once costs a tenth. */
const pool = Buffer.alloc(128 * RANDOM_BYTES);
let drawn = pool.length;

/** In front of a token that an account holder made, so that it is recognised where it should not be. */
export const PERSONAL_PREFIX = 'concierge_pat_';

/** The slot that an id names, whatever it is that somebody presents as one. */
export function slotOfId(id: string): number {
  const from = id.startsWith(PERSONAL_PREFIX) ? PERSONAL_PREFIX.length : 0;
  const bytes = Buffer.from(id.slice(from, from + 6), 'base64url');
  return bytes.length < SLOT_BYTES ? 0 : bytes.readInt32BE();
}

export interface SlotRange {
  readonly class: SlotClass;
  /** When the first token of the range expires, and, exclusive, the last. */
  readonly from: Date;
  readonly until: Date;
  /** The same as slots, again without the upper bound. */
  readonly firstSlot: number;
  readonly endSlot: number;
}

/** The range of slots, one partition wide, that a token belongs to which expires then and lives so long (seconds). */
export function rangeOf(expiresAt: Date, lifetime: number): SlotRange {
  const place = SLOT_CLASSES.findIndex(({ longest }) => lifetime <= longest);
  const slotClass = SLOT_CLASSES[place] as SlotClass;
  const sinceEpoch = sinceEpochAt(expiresAt.getTime() / 1000);
  const from = sinceEpoch - (sinceEpoch % slotClass.width);
  const until = Math.min(from + slotClass.width, LAST + 1);
  const firstSlot = slotIn(place, EPOCH + from);
  return {
    class: slotClass,
    from: new Date((EPOCH + from) * 1000),
    until: new Date((EPOCH + until) * 1000),
    firstSlot,
    endSlot: firstSlot + until - from,
  };
}

function slotIn(place: number, seconds: number): number {
  return (place * CLASS_SIZE + sinceEpochAt(seconds)) | 0;
}

/** What expires later than there are slots for is kept in the last one. */
function sinceEpochAt(seconds: number): number {
  return Math.min(Math.max(Math.floor(seconds) - EPOCH, 0), LAST);
}
