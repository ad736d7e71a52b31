import { describe, expect, it } from 'vitest';
import { createSealing } from './sealing.ts';

const [OLD, NEW] = ['the old secret', 'the new secret'];
const before = createSealing([OLD]);
const during = createSealing([NEW, OLD]);
const after = createSealing([NEW]);

describe('what is sealed', () => {
  it('opens for its own purpose only, and differs each time', () => {
    const sealed = before.seal('a purpose', 'text');
    expect(before.open('a purpose', sealed)).toBe('text');
    expect(before.open('another purpose', sealed)).toBeUndefined();
    expect(before.seal('a purpose', 'text')).not.toBe(sealed);
  });

  it('opens with any of the secrets, and is outdated when the first one does not open it', () => {
    const sealed = before.seal('a purpose', 'text');
    expect(during.open('a purpose', sealed)).toBe('text');
    expect(during.isOutdated('a purpose', sealed)).toBe(true);
    expect(after.open('a purpose', sealed)).toBeUndefined();
    const renewed = during.seal('a purpose', 'text');
    expect(during.isOutdated('a purpose', renewed)).toBe(false);
    expect(after.open('a purpose', renewed)).toBe('text');
  });

  it.each(['', 'A', 'not base64url!', 'A'.repeat(100)])('is not opened by guessing: %j', (sealed) => {
    expect(before.open('a purpose', sealed)).toBeUndefined();
  });

  it('does not open when one bit is changed', () => {
    const bytes = Buffer.from(before.seal('a purpose', 'text'), 'base64url');
    for (let at = 0; at < bytes.length; at += 1) {
      const forged = Buffer.from(bytes);
      forged.writeUInt8(forged.readUInt8(at) ^ 1, at);
      expect(before.open('a purpose', forged.toString('base64url'))).toBeUndefined();
    }
  });
});
