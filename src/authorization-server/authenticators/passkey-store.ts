import type { Person } from '../accounts/person.ts';

/** What is kept of a credential (WebAuthn Level 3 §4, credential record). */
export interface Passkey {
  /** base64url. Public: whoever has it can do nothing with it. */
  readonly credentialId: string;
  readonly accountId: string;
  /** COSE_Key. */
  readonly publicKey: Uint8Array;
  readonly transports: readonly string[];
  /** The kind of authenticator; zeros where it does not say. */
  readonly aaguid: string;
  /** It cannot leave the device that made it. */
  readonly isDeviceBound: boolean;
  readonly isBackedUp: boolean;
  readonly name: string;
  readonly createdAt: Date;
  readonly lastUsedAt: Date | undefined;
}

export interface NewPasskey extends Omit<Passkey, 'createdAt' | 'lastUsedAt'> {
  readonly counter: number;
}

export interface UsedPasskey {
  readonly credentialId: string;
  readonly counter: number;
  readonly isBackedUp: boolean;
}

export interface PasskeyStore {
  findPasskey(credentialId: string): Promise<Passkey | undefined>;
  /** The newest first. */
  passkeysOf(accountId: string): Promise<readonly Passkey[]>;
  /** False, and nothing written, where somebody has this credential already, or the account has `most`. */
  addPasskey(passkey: NewPasskey, most: number): Promise<boolean>;
  /** False when the account has no such passkey. */
  renamePasskey(accountId: string, credentialId: string, name: string): Promise<boolean>;
  /** What was removed. */
  removePasskey(accountId: string, credentialId: string): Promise<Passkey | undefined>;
  /**
   * Notes a signature, and ends a row of failed second steps. `undefined`, and nothing written, where the counter is not above the one
   * before (unless both are 0: it does not count), or the account may not sign in.
   */
  acceptPasskey(used: UsedPasskey): Promise<Person | undefined>;
}
