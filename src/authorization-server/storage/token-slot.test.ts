import { describe, expect, it } from 'vitest';
import { createTokenId, rangeOf, SLOT_CLASSES, slotOf, slotOfId } from './token-slot.ts';

const NOW = Date.UTC(2026, 10, 22, 12) / 1000;
const LIFETIMES = [1, 60, 3600, 21_600, 21_601, 86_400, 1_209_600, 31_536_000, 315_576_000];

describe('a token id', () => {
  it.each(LIFETIMES)('of a token that lives %i seconds names its slot, and is 43 characters', (lifetime) => {
    const slot = slotOf(NOW + lifetime, lifetime);
    const id = createTokenId(slot);
    expect(slotOfId(id)).toBe(slot);
    expect(id).toMatch(/^[\w-]{43}$/);
  });

  it('C10: has 224 random bits: of ten thousand none begins or ends like another', () => {
    const ids = Array.from({ length: 10_000 }, () => createTokenId(7));
    const bytes = ids.map((id) => Buffer.from(id, 'base64url'));
    for (const part of [bytes.map((one) => one.subarray(4, 18)), bytes.map((one) => one.subarray(18))]) {
      expect(new Set(part.map((one) => one.toString('hex'))).size).toBe(10_000);
    }
    const ones = bytes.flatMap((one) => [...one.subarray(4)]).reduce((sum, byte) => sum + bitsOf(byte), 0);
    expect(ones / (10_000 * 224)).toBeCloseTo(0.5, 2);
  });

  it('names some slot whatever somebody presents as one, and always the same', () => {
    for (const rubbish of [
      '',
      'a',
      '\0',
      '\ud800',
      '__proto__',
      'not base64url!',
      '🛎'.repeat(9),
      'x'.repeat(1_000_000),
    ]) {
      expect(slotOfId(rubbish)).toSatisfy(
        (slot: number) => Number.isInteger(slot) && slot >= -(2 ** 31) && slot < 2 ** 31,
      );
      expect(slotOfId(rubbish)).toBe(slotOfId(rubbish));
    }
  });
});

describe('a slot', () => {
  it('is greater the later a token expires that lives as long', () => {
    for (const lifetime of LIFETIMES) {
      const slots = [0, 1, 60, 86_400].map((later) => slotOf(NOW + later + lifetime, lifetime));
      expect(slots).toEqual(slots.toSorted((one, other) => one - other));
      expect(new Set(slots).size).toBe(4);
    }
  });

  it('lies in the range of its partition, which begins where the one before ends', () => {
    for (const lifetime of LIFETIMES) {
      const expiresAt = new Date((NOW + lifetime) * 1000);
      const range = rangeOf(expiresAt, lifetime);
      const slot = slotOf(NOW + lifetime, lifetime);
      expect(slot).toBeGreaterThanOrEqual(range.firstSlot);
      expect(slot).toBeLessThan(range.endSlot);
      expect(range.until.getTime() - range.from.getTime()).toBe(range.class.width * 1000);
      expect(rangeOf(range.until, lifetime).firstSlot).toBe(range.endSlot);
    }
  });

  it('never lies in the range of another class', () => {
    const ranges = SLOT_CLASSES.map(({ longest }) => rangeOf(new Date(NOW * 1000), Math.min(longest, 1e9)));
    const sorted = ranges.toSorted((one, other) => one.firstSlot - other.firstSlot);
    sorted.slice(1).forEach((range, index) => {
      expect(range.firstSlot).toBeGreaterThanOrEqual(sorted[index]?.endSlot ?? 0);
    });
  });

  it.each([3600, 86_400, 1_209_600, 1_262_304_000])(
    'lies in a range within its class however late it is, when the token lives %i seconds',
    (lifetime) => {
      const place = SLOT_CLASSES.findIndex(({ longest }) => lifetime <= longest);
      const classOf = (slot: number) => slot >>> 30;
      for (const expiresAt of [Date.UTC(2054, 0, 9) / 1000, Date.UTC(2054, 0, 10, 13) / 1000, NOW + 40 * 31_536_000]) {
        const slot = slotOf(expiresAt, lifetime);
        const { firstSlot, endSlot, until } = rangeOf(new Date(expiresAt * 1000), lifetime);
        expect(slot).toBeGreaterThanOrEqual(firstSlot);
        expect(slot).toBeLessThan(endSlot);
        expect([classOf(firstSlot), classOf(endSlot)]).toEqual([place, place]);
        expect(endSlot).toBe(endSlot | 0);
        expect(rangeOf(until, lifetime).endSlot).toBeGreaterThanOrEqual(endSlot);
      }
    },
  );

  it('is an integer of 32 bits at any time, long past or far away', () => {
    for (const expiresAt of [-1e12, 0, NOW, 1e10, Number.MAX_SAFE_INTEGER]) {
      expect(slotOf(expiresAt, 3600)).toSatisfy((slot: number) => slot === (slot | 0));
    }
  });
});

function bitsOf(byte: number): number {
  return byte.toString(2).replaceAll('0', '').length;
}
