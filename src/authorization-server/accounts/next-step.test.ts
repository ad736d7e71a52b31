import { expect, it } from 'vitest';
import type { AskedAcr } from './assurance.ts';
import { nextStep } from './next-step.ts';
import type { Person, SecondFactor } from './person.ts';

const NOTHING: AskedAcr = { values: undefined, essential: false };
const wish = (...values: readonly ('1fa' | 'mfa' | 'phr')[]): AskedAcr => ({ values, essential: false });
const insists = (...values: readonly ('1fa' | 'mfa' | 'phr')[]): AskedAcr => ({ values, essential: true });

function due(amr: readonly string[], secondFactors: readonly SecondFactor[], asks: AskedAcr, required = false) {
  const person = { account: { roles: [] }, secondFactors } as unknown as Person;
  const next = nextStep(person, amr, { asks, requiresSecondFactor: () => required });
  return next.due === 'second' ? next.factors.join(' or ') : next.due;
}

it.each([
  ['a password is enough where there is nothing else', ['pwd'], [], NOTHING, false, 'nothing'],
  ['whoever has an app is asked for it', ['pwd'], ['totp'], NOTHING, false, 'totp'],
  ['whoever has both may choose', ['fed'], ['totp', 'passkey'], NOTHING, false, 'totp or passkey'],
  ['two kinds are enough', ['pwd', 'otp', 'mfa'], ['totp'], NOTHING, true, 'nothing'],
  ['a passkey alone is enough', ['hwk', 'user', 'mfa'], ['totp', 'passkey'], insists('phr'), true, 'nothing'],
  ['who must have one sets it up', ['pwd'], [], NOTHING, true, 'set_up'],
  ['who insists on two kinds has them set up', ['pwd'], [], insists('mfa'), false, 'set_up'],
  ['who insists on one gets that', ['pwd'], [], insists('1fa', 'phr'), false, 'nothing'],
  ['a wish sets up nothing', ['pwd'], [], wish('mfa'), false, 'nothing'],
  ['a wish for a passkey asks who has one', ['pwd', 'otp', 'mfa'], ['totp', 'passkey'], wish('phr'), false, 'passkey'],
  ['a wish for a passkey asks nobody else', ['pwd', 'otp', 'mfa'], ['totp'], wish('phr'), false, 'nothing'],
  ['who insists on a passkey is refused without', ['pwd', 'otp', 'mfa'], ['totp'], insists('phr'), false, 'unmet'],
  ['and at once, before an app is set up', ['pwd'], [], insists('phr'), false, 'unmet'],
  ['nor is anybody asked for a code first', ['pwd'], ['totp'], insists('phr'), false, 'unmet'],
] as const)('%s', (_what, amr, factors, asks, required, expected) => {
  expect(due(amr, factors, asks, required)).toBe(expected);
});
