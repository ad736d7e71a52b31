import type { Account } from './account.ts';

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
