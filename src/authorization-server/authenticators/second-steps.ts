import type { Lockout } from '../accounts/authenticate.ts';
import type { Person, PersonStore } from '../accounts/person.ts';

/** An attempt that was counted as failed before its code is looked at; a success takes it back. */
export interface ReservedSecondStep {
  /** `undefined` where there is no app that shows codes. */
  readonly totp: { readonly sealedSeed: string; readonly lastStep: number } | undefined;
}

export interface SecondStepStore extends PersonStore {
  /**
   * Counts an attempt, in one atomic step on any number of nodes, apart from those of the first step: whoever guesses codes
   * has the password, and the right password ends that row of failures. `undefined`, and nothing written, while the account
   * is throttled. Each throttle in a row lasts twice as long as the one before, up to a day.
   */
  reserveSecondStep(accountId: string, lockout: Lockout, now?: Date): Promise<ReservedSecondStep | undefined>;
  /**
   * The code of this time step counts, and the row of failures ends. `undefined`, and nothing written, where that code or a
   * later one counted already, or the account may not sign in. `sealedSeed` replaces the one that is there.
   */
  acceptTotp(accountId: string, step: number, sealedSeed: string | undefined): Promise<Person | undefined>;
  /** Likewise; `recoveryCodesLeft` is without this one. */
  acceptRecoveryCode(accountId: string, codeHash: string): Promise<Person | undefined>;
  /** False, and nothing written, where there is one already and `replaces` is not said. */
  saveTotp(totp: NewTotp): Promise<boolean>;
  removeTotp(accountId: string): Promise<boolean>;
  /** Those from before count no more. Atomic. */
  replaceRecoveryCodes(accountId: string, codeHashes: readonly string[]): Promise<void>;
  findTotp(accountId: string): Promise<{ readonly createdAt: Date } | undefined>;
}

export interface NewTotp {
  readonly accountId: string;
  readonly sealedSeed: string;
  /** Of the code that confirmed it, which counts no second time. */
  readonly step: number;
  readonly replaces: boolean;
}
