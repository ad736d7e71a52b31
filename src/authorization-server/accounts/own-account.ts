import type { Profile } from './profile.ts';

/** Who may do everything here; a server without one could not be looked after any more. */
export const ADMINISTRATOR = 'admin';

/** What people do to their own account. */
export interface OwnAccountStore {
  /** False, and nothing written, where the account has changed since, or is gone. */
  saveProfile(accountId: string, profile: Profile, unchangedSince: Date): Promise<boolean>;
  /**
   * Of any number of administrators who delete their accounts at the same moment one stays: `last-administrator`, and nothing
   * is deleted. What the account could get at is ended by the caller.
   */
  deleteOwn(accountId: string): Promise<'deleted' | 'last-administrator'>;
}
