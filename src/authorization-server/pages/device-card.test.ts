import { describe, expect, it } from 'vitest';
import { askingDevice } from './device-card.ts';

const CODE = { userCode: 'WDJBMJHT', iat: 1_000 };
const shown = (deviceInfo: Record<string, unknown>, seconds = 0) =>
  askingDevice({ ...CODE, deviceInfo }, (CODE.iat + seconds) * 1000);

describe('a device that asks', () => {
  it('shows its code as it shows it itself', () => {
    expect(shown({}).code).toBe('WDJB-MJHT');
  });

  it.each([
    [0, 0],
    [59, 0],
    [60, 1],
    [150, 2],
  ])('that asked %d seconds ago did so %d minutes ago', (seconds, minutes) => {
    expect(shown({}, seconds).minutesAgo).toBe(minutes);
  });

  it('has an address that people can compare', () => {
    expect(shown({ address: '::ffff:203.0.113.7' }).address).toBe('203.0.113.7');
    expect(shown({ address: '' }).address).toBeUndefined();
  });

  it('C94: has said what it is in a few plain characters, whatever it has sent', () => {
    expect(shown({ software: 'TV/1.0\u202e\u0007\n(evil)' }).software).toBe('TV/1.0(evil)');
    expect(shown({ software: 'x'.repeat(200) }).software).toBe(`${'x'.repeat(80)}…`);
    for (const software of ['', ' \u200b ', undefined, 7]) {
      expect(shown({ software }).software).toBeUndefined();
    }
  });
});
