import type { Account } from './account.ts';
import type { Person, SecondFactor } from './person.ts';

export interface SecondFactorSettings {
  /** Everybody's choice, or everybody needs one. */
  readonly policy: 'optional' | 'required';
  /** Who has one of these roles needs one in any case. */
  readonly requiredForRoles: readonly string[];
}

/** Whether this account must have a second factor. */
export type RequiresSecondFactor = (account: Pick<Account, 'roles'>) => boolean;

export function createSecondFactorPolicy({ policy, requiredForRoles }: SecondFactorSettings): RequiresSecondFactor {
  return ({ roles }) => policy === 'required' || roles.some((role) => requiredForRoles.includes(role));
}

/** Who must have a second factor keeps one: this one may go where another kind remains. */
export function mayGoWithout(
  factor: SecondFactor,
  { account, secondFactors }: Pick<Person, 'account' | 'secondFactors'>,
  requiresSecondFactor: RequiresSecondFactor,
): boolean {
  return !requiresSecondFactor(account) || secondFactors.some((one) => one !== factor);
}
