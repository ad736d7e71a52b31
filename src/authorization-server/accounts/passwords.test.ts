import { expect, it } from 'vitest';
import { createPasswords, type PasswordSettings } from './passwords.ts';
import { TooBusy } from './too-busy.ts';

const SETTINGS: PasswordSettings = {
  memoryKiB: 19_456,
  iterations: 2,
  parallelism: 1,
  concurrency: 2,
  queue: 10,
  maxLength: 1024,
};
const WEAKER: PasswordSettings = { ...SETTINGS, memoryKiB: 64, iterations: 1 };

const weaker = await createPasswords(WEAKER);
const hashOf = (password: string) => weaker.inTurn((hasher) => hasher.hashPassword(password));
const verify = (hash: string | undefined, password: string) =>
  weaker.inTurn((hasher) => hasher.verifyPassword(hash, password));

it('C64: hashes with Argon2id, the configured parameters and a salt of its own', async () => {
  const passwords = await createPasswords(SETTINGS);
  const [first, second] = await passwords.inTurn((hasher) =>
    Promise.all([hasher.hashPassword('correct-horse'), hasher.hashPassword('correct-horse')]),
  );
  expect(first).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[\w+/]{22}\$/);
  expect(second).not.toBe(first);
});

it('verifies the password of a hash, and no other', async () => {
  const hash = await hashOf('correct-horse');
  expect(await verify(hash, 'correct-horse')).toBe(true);
  expect(await verify(hash, 'Correct-horse')).toBe(false);
  expect(await verify(hash, 'correct-horse ')).toBe(false);
});

it('C64: tells apart passwords that differ after 72 bytes, or after a NUL', async () => {
  const long = await hashOf(`${'a'.repeat(72)}x`);
  expect(await verify(long, `${'a'.repeat(72)}x`)).toBe(true);
  expect(await verify(long, `${'a'.repeat(72)}y`)).toBe(false);
  expect(await verify(long, 'a'.repeat(72))).toBe(false);

  const withNul = await hashOf('before\0after');
  expect(await verify(withNul, 'before\0after')).toBe(true);
  expect(await verify(withNul, 'before\0other')).toBe(false);
  expect(await verify(withNul, 'before')).toBe(false);
});

it('C64: accepts what another keyboard makes of the same password', async () => {
  const hash = await hashOf('mañana-Ｋ-ﬁn');
  expect(await verify(hash, 'man\u0303ana-K-fin')).toBe(true);
});

it('C58: never accepts a password for nobody, whatever it is', async () => {
  expect(await verify(undefined, 'correct-horse')).toBe(false);
  expect(await verify(undefined, '')).toBe(false);
});

it('C64: asks for a new hash when the parameters have risen, not when they have fallen', async () => {
  const passwords = await createPasswords(SETTINGS);
  const weak = await hashOf('correct-horse');
  const strong = await passwords.inTurn((hasher) => hasher.hashPassword('correct-horse'));
  expect(await passwords.inTurn(async (hasher) => hasher.needsRehash(weak))).toBe(true);
  expect(await passwords.inTurn(async (hasher) => hasher.needsRehash(strong))).toBe(false);
  expect(await weaker.inTurn(async (hasher) => hasher.needsRehash(strong))).toBe(false);
});

it('verifies a hash with the parameters it was made with', async () => {
  const passwords = await createPasswords(SETTINGS);
  const weak = await hashOf('correct-horse');
  expect(await passwords.inTurn((hasher) => hasher.verifyPassword(weak, 'correct-horse'))).toBe(true);
});

it('C65: refuses more passwords than may run and wait', async () => {
  const passwords = await createPasswords({ ...WEAKER, concurrency: 1, queue: 2 });
  const outcomes = await Promise.allSettled(
    Array.from({ length: 5 }, () => passwords.inTurn((hasher) => hasher.verifyPassword(undefined, 'x'))),
  );
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'rejected']);
  expect(outcomes.at(-1)).toMatchObject({ reason: expect.any(TooBusy) });
});

it('C65: keeps the event loop free while it hashes', async () => {
  const passwords = await createPasswords(SETTINGS);
  let turnsOfTheLoop = 0;
  const ticking = setInterval(() => (turnsOfTheLoop += 1), 1);
  await passwords.inTurn((hasher) => hasher.hashPassword('correct-horse'));
  clearInterval(ticking);
  expect(turnsOfTheLoop).toBeGreaterThan(0);
});

it('C56, C65: refuses before hashing what nobody can have as a password', () => {
  for (const impossible of [undefined, null, '', ['correct-horse'], { a: 'b' }, 7, 'a'.repeat(1025), 'ä'.repeat(513)]) {
    expect(weaker.mayBePassword(impossible)).toBe(false);
  }
  expect(weaker.mayBePassword('a'.repeat(1024))).toBe(true);
});
