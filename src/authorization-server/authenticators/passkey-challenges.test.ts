import { createHmac } from 'node:crypto';
import { expect, it } from 'vitest';
import { createChallenges } from './passkey-challenges.ts';

const MINUTE = 60_000;

let now = 0;
const used = new Set<string>();

/** A node; the first of its secrets signs. */
const node = (...secrets: string[]) =>
  createChallenges({
    macs: (text) => secrets.map((secret) => createHmac('sha256', secret).update(text).digest('base64url')),
    firstUse: async (id) => used.size < used.add(id).size,
    now: () => now,
  });

const text = (challenge: Uint8Array) => Buffer.from(challenge).toString('base64url');
const challenges = node('secret');

it('are good at the place that they were drawn for, at any node', () => {
  const challenge = text(challenges.draw('here'));
  expect(challenges.isValid(challenge, 'here')).toBe(true);
  expect(node('newer secret', 'secret').isValid(challenge, 'here')).toBe(true);
  expect(challenges.isValid(challenge, 'there')).toBe(false);
  expect(node('another secret').isValid(challenge, 'here')).toBe(false);
  expect(text(challenges.draw('here'))).not.toBe(challenge);
});

it('are good for half an hour', () => {
  const challenge = text(challenges.draw('here'));
  now += 29 * MINUTE;
  expect(challenges.isValid(challenge, 'here')).toBe(true);
  now += 2 * MINUTE;
  expect(challenges.isValid(challenge, 'here')).toBe(false);
});

it('cannot be changed or made up', () => {
  const challenge = challenges.draw('here');
  for (const at of [0, 16, 21, 22, challenge.length - 1]) {
    const changed = Uint8Array.from(challenge);
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(challenges.isValid(text(changed), 'here')).toBe(false);
  }
  for (const madeUp of [
    '',
    'AAAA',
    text(challenge.subarray(0, 22)),
    text(challenge).slice(0, -2),
    'A'.repeat(10_000),
  ]) {
    expect(challenges.isValid(madeUp, 'here')).toBe(false);
  }
});

it('count once of any number of times', async () => {
  const challenge = text(challenges.draw('here'));
  const outcomes = await Promise.all([challenges, node('secret'), challenges].map((one) => one.useUp(challenge)));
  expect(outcomes.filter(Boolean)).toHaveLength(1);
});
