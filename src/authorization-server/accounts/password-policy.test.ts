import { describe, expect, it } from 'vitest';
import { createPasswordPolicy, type PasswordOwner } from './password-policy.ts';

const SETTINGS = { minLength: 12, minLengthWithSecondFactor: 8, maxLength: 1024, contextWords: ['Grand Hotel'] };
const ANNA: PasswordOwner = { email: 'anna.lindqvist@mailhaus.example', name: 'Anna Lindqvist' };

const policy = createPasswordPolicy(SETTINGS);
const problemOf = (password: string, owner = ANNA) => policy.offlineProblem(password, owner)?.key;

it('C64: takes new passwords from 12 characters to the most bytes there may be', () => {
  expect(policy.offlineProblem('vq7-tapir-8', ANNA)).toEqual({ key: 'passwords.too-short', values: { least: 12 } });
  expect(problemOf('vq7-tapir-84')).toBeUndefined();
  expect(problemOf('vq7-tapir '.repeat(102))).toBeUndefined();
  expect(policy.offlineProblem('ä'.repeat(513), ANNA)).toEqual({ key: 'passwords.too-long', values: { most: 1024 } });
});

it('C64: counts characters, not bytes, after normalising them', () => {
  expect(problemOf('🐎🦌🐢🦉🐝🦎🐫🦥🐘🦔🐊')).toBe('passwords.too-short');
  expect(problemOf('🐎🦌🐢🦉🐝🦎🐫🦥🐘🦔🐊🐼')).toBeUndefined();
  expect(problemOf('vq7-ta\u0301pir-8')).toBe('passwords.too-short');
  expect(problemOf('vq7-ta\u0301pir-84')).toBeUndefined();
});

it('takes 8 characters beside a second factor, and never asks for more than without one', () => {
  const guarded = { ...ANNA, hasSecondFactor: true };
  expect(problemOf('vq7-tapi', guarded)).toBeUndefined();
  expect(problemOf('vq7-tap', guarded)).toBe('passwords.too-short');
  expect(policy.minLength(guarded)).toBe(8);
  const lax = createPasswordPolicy({ ...SETTINGS, minLength: 8, minLengthWithSecondFactor: 10 });
  expect(lax.minLength(guarded)).toBe(8);
});

it('has no rules of composition: small letters alone will do, and spaces', () => {
  expect(problemOf('seven tapirs rowing quietly')).toBeUndefined();
  expect(problemOf('correct-horse-battery-staple')).toBeUndefined();
  expect(problemOf('                    vq tapir')).toBeUndefined();
});

describe('C64: refuses offline', () => {
  it.each([
    'password1234',
    'Password2026!',
    'P@ssw0rd1234',
    'PASSWORDPASSWORD',
    'qwertyuiop12',
    'qwertyqwerty',
    '1q2w3e4r5t6y',
    '123456789012',
    'aaaaaaaaaaaa',
    'abcdefghijkl',
    'iloveyou2024',
    'Summer-2026!!',
    'liverpool1892',
    'michaeljordan',
    'Schmetterling1',
    'bundesliga 04',
    'sunshine31121999',
    'ｐａｓｓｗｏｒｄ１２３４',
  ])('%s, which is guessed first', (password) => {
    expect(problemOf(password)).toBe('passwords.common');
  });

  it.each([
    'AnnaLindqvist1',
    'anna.lindqvist@mailhaus.example',
    'mailhaus-2026!',
    'GrandHotel2026',
    'grand-hotel-anna',
  ])('%s, which is little more than a name', (password) => {
    expect(problemOf(password)).toBe('passwords.personal');
  });

  it.each(['anna rows seven tapirs', 'the grand hotel has a moat'])('but not %s', (password) => {
    expect(problemOf(password)).toBeUndefined();
  });
});

it('answers at once for the longest password there may be', () => {
  const startedAt = performance.now();
  problemOf('ab1'.repeat(340));
  problemOf(`${'ab1'.repeat(340)}x`);
  expect(performance.now() - startedAt).toBeLessThan(100);
});

it('asks whether it was stolen only where nothing else is wrong', async () => {
  const asked: string[] = [];
  const asking = createPasswordPolicy({
    ...SETTINGS,
    isBreached: async (password) => {
      asked.push(password);
      return password.startsWith('stolen');
    },
  });
  expect(await asking.newPasswordProblem('password1234', ANNA)).toMatchObject({ key: 'passwords.common' });
  expect(asked).toEqual([]);
  expect(await asking.newPasswordProblem('stolen tapirs row', ANNA)).toEqual({ key: 'passwords.breached', values: {} });
  expect(await asking.newPasswordProblem('seven tapirs row', ANNA)).toBeUndefined();
  expect(await policy.newPasswordProblem('stolen tapirs row', ANNA)).toBeUndefined();
});
