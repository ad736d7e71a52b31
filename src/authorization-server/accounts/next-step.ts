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
  const hasPasskey = secondFactors.includes('passkey');
  if (asks.essential && !isMet(hasPasskey || acr === 'phr' ? 'phr' : 'mfa', asks)) {
    return { due: 'unmet' };
  }
  if (!reaches(acr, 'mfa')) {
    if (secondFactors.length > 0) {
      return { due: 'second', factors: secondFactors, phishingResistant: false };
    }
    if (requiresSecondFactor(account) || (asks.essential && !isMet(acr, asks))) {
      return { due: 'set_up' };
    }
  }
  return !isMet(acr, asks) && hasPasskey
    ? { due: 'second', factors: ['passkey'], phishingResistant: true }
    : { due: 'nothing' };
}
