import { describe, expect, it } from 'vitest';
import { createSealing } from './sealing.ts';

const [OLD, NEW] = ['the old secret', 'the new secret'];
const before = createSealing([OLD]);
const during = createSealing([NEW, OLD]);
const after = createSealing([NEW]);

describe('what is sealed', () => {
  it.each(['', 'a', 'é🛎\0', 'x'.repeat(1_000_000)])('opens to what it was', (plaintext) => {
    expect(before.open('session', before.seal('session', plaintext))).toBe(plaintext);
  });

  it('differs every time', () => {
    const sealed = Array.from({ length: 100 }, () => before.seal('session', 'text'));
    expect(new Set(sealed).size).toBe(100);
  });

  it('C97: shows nothing of the text', () => {
    const bytes = Buffer.from(before.seal('session', 'a-cookie-value'), 'base64url');
    expect(bytes.toString('latin1')).not.toContain('cookie');
  });

  it('opens for its own purpose only, not even for one that is spelled nearly alike', () => {
    const sealed = before.seal('Interaction 1', 'text');
    for (const purpose of ['Interaction 2', 'Interaction 11', 'Interaction 1 ', 'interaction 1', 'Interaction', '']) {
      expect(before.open(purpose, sealed)).toBeUndefined();
    }
  });

  it('opens for its holder only', () => {
    const sealed = before.seal('Interaction', 'text', 'the id');
    expect(before.open('Interaction', sealed, 'the id')).toBe('text');
    for (const holder of [undefined, '', 'the', 'the id ', 'another id']) {
      expect(before.open('Interaction', sealed, holder)).toBeUndefined();
    }
    expect(before.open('Interaction', before.seal('Interaction', 'text'), '')).toBeUndefined();
    expect(before.open('Session', sealed, 'the id')).toBeUndefined();
    expect(after.open('Interaction', sealed, 'the id')).toBeUndefined();
  });

  it('does not open when one bit is changed, whichever it is', () => {
    const bytes = Buffer.from(before.seal('session', 'text'), 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const forged = Buffer.from(bytes);
      forged.writeUInt8(forged.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(before.open('session', forged.toString('base64url'))).toBeUndefined();
    }
  });

  it('does not open when it was cut off or lengthened, however short it gets', () => {
    const bytes = Buffer.from(before.seal('session', 'text'), 'base64url');
    for (let length = 0; length < bytes.length; length += 1) {
      expect(before.open('session', bytes.subarray(0, length).toString('base64url'))).toBeUndefined();
      expect(before.open('session', bytes.subarray(bytes.length - length).toString('base64url'))).toBeUndefined();
    }
    expect(before.open('session', Buffer.concat([bytes, Buffer.of(0)]).toString('base64url'))).toBeUndefined();
  });

  it.each(['', 'A', 'not base64url!', '\0', '\ud800', 'A'.repeat(100_000)])(
    'is not opened by guessing, nor does that fail',
    (guess) => {
      expect(before.open('session', guess)).toBeUndefined();
    },
  );
});

describe('replacing the secret', () => {
  it('opens with any of the secrets, and is outdated when the first one does not open it', () => {
    const sealed = before.seal('session', 'text');
    expect(during.open('session', sealed)).toBe('text');
    expect(during.isOutdated('session', sealed)).toBe(true);
    expect(after.open('session', sealed)).toBeUndefined();
    const renewed = during.seal('session', 'text');
    expect(during.isOutdated('session', renewed)).toBe(false);
    expect(after.open('session', renewed)).toBe('text');
    expect(before.open('session', renewed)).toBeUndefined();
  });

  it('C49: lists a key for each secret, the one that signs first', () => {
    expect(during.keys('cookies')).toEqual([...after.keys('cookies'), ...before.keys('cookies')]);
    const macs = [after, before].flatMap((sealing) => sealing.macs('user code', 'WDJB'));
    expect(during.macs('user code', 'WDJB')).toEqual(macs);
  });

  it('leaves at least one', () => {
    expect(() => createSealing([])).toThrow('at least one secret');
  });
});

describe('keys and codes', () => {
  it('are 256 bits, the same on every node and at every start, and others for another purpose', () => {
    const [key] = before.keys('cookies');
    expect(Buffer.from(key ?? '', 'base64url')).toHaveLength(32);
    expect(createSealing([OLD]).keys('cookies')).toEqual([key]);
    expect(before.keys('something else')).not.toEqual([key]);
  });

  it('depend on what they are made of', () => {
    expect(before.macs('user code', 'WDJB')).not.toEqual(before.macs('cookies', 'WDJB'));
    expect(before.macs('user code', 'WDJB')).not.toEqual(before.macs('user code', 'WDJC'));
    expect(before.macs('user code', 'WDJB')).not.toEqual(after.macs('user code', 'WDJB'));
  });
});
