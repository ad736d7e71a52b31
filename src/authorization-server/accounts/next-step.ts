import { type AskedAcr, acrOf, isMet, reaches } from './assurance.ts';
import type { Person, SecondFactor } from './person.ts';
import type { RequiresSecondFactor } from './second-factor-policy.ts';

/** What is due when somebody has proven something. */
export type NextStep =
  | { readonly due: 'nothing' }
  /** One of these; a recovery code stands in for them unless `phishingResistant` is asked for. */
  | { readonly due: 'second'; readonly factors: readonly SecondFactor[]; readonly phishingResistant: boolean }
  /** A second factor has to be set up. */
  | { readonly due: 'set_up' }
  /** The client asks for what this account cannot prove. */
  | { readonly due: 'unmet' };

/**
 * Whoever has a second factor proves it, whatever the first step was; who has none and must have one sets it up. Beyond that
 * what the client asks for counts: a wish as far as the account can fulfil it, an essential one at any rate.
 */
export function nextStep(
  { account, secondFactors }: Person,
  amr: readonly string[],
  { asks, requiresSecondFactor }: { readonly asks: AskedAcr; readonly requiresSecondFactor: RequiresSecondFactor },
): NextStep {
  const acr = acrOf(amr);
  const wantsTwo = asks.values !== undefined && !isMet('1fa', asks);
  if (!reaches(acr, 'mfa')) {
    if (secondFactors.length > 0) {
      return { due: 'second', factors: secondFactors, phishingResistant: false };
    }
    if (requiresSecondFactor(account) || (asks.essential && wantsTwo && isMet('mfa', asks))) {
      return { due: 'set_up' };
    }
  }
  if (!isMet(acr, asks)) {
    if (reaches(acr, 'mfa') && secondFactors.includes('passkey')) {
      return { due: 'second', factors: ['passkey'], phishingResistant: true };
    }
    if (asks.essential) {
      return { due: 'unmet' };
    }
  }
  return { due: 'nothing' };
}
