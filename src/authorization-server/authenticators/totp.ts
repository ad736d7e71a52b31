/**
 * One-time codes of an app (RFC 6238), as every such app makes them: SHA-1, six digits, every 30 seconds. A clock may be
 * one step off in either direction (§5.2), and no code counts twice.
 */
import { Secret, TOTP } from 'otpauth';
import type { Account } from '../accounts/account.ts';
import type { Lockout } from '../accounts/authenticate.ts';
import type { Audit } from '../audit/audit.ts';
import type { Authenticator, TypedCode } from './authenticator.ts';
import type { SecondStepStore } from './second-steps.ts';

const ALGORITHM = { algorithm: 'SHA1', digits: 6, period: 30 } as const;
const WINDOW = 1;
/** RFC 4226 §4: 160 bits are recommended. */
const SEED_BYTES = 20;
/** Milliseconds that an app may take to be set up. */
const PROPOSAL_VALID = 30 * 60 * 1000;

/** Under a key of this server; what was sealed for one purpose opens for no other. */
export interface SeedSeal {
  seal(text: string): string;
  open(sealed: string): string | undefined;
  /** Sealed with a secret that is on its way out. */
  isOutdated(sealed: string): boolean;
}

export interface TotpDeps {
  readonly store: Pick<SecondStepStore, 'reserveSecondStep' | 'acceptTotp' | 'saveTotp'>;
  readonly seal: SeedSeal;
  readonly lockout: Lockout;
  readonly audit: Pick<Audit, 'record'>;
  /** What the app calls the account. */
  readonly issuer: string;
  readonly now?: (() => Date) | undefined;
}

/** A seed for an app that nobody has set up yet. Nothing is kept of it here. */
export interface ProposedTotp {
  /** For the QR code: it holds the seed. */
  readonly uri: string;
  /** The seed for typing it in, in groups of four. */
  readonly key: string;
  /** For a hidden field: the same for this server to read. */
  readonly sealed: string;
}

export interface Totp extends Authenticator<TypedCode> {
  propose(account: Pick<Account, 'accountId' | 'email'>): ProposedTotp;
  /** The same proposal again; `undefined` when it is too old, or another account's. */
  proposed(account: Pick<Account, 'accountId' | 'email'>, sealed: string): ProposedTotp | undefined;
  /**
   * The first code of the app: from now on it is the account's. False when the code is not the one that the app shows. Where there is an
   * app already it is left alone unless `replaces` is said, and the answer is false, too.
   */
  confirm(proposal: Confirmation): Promise<boolean>;
}

export interface Confirmation {
  readonly accountId: string;
  /** Of a proposal that `proposed` has just accepted. */
  readonly sealed: string;
  readonly code: string;
  readonly replaces: boolean;
}

interface Sealed {
  readonly accountId: string;
  readonly seed: string;
  readonly at: number;
}

export function createTotp({ store, seal, lockout, audit, issuer, now = () => new Date() }: TotpDeps): Totp {
  const read = (sealed: string, accountId: string): Sealed | undefined => {
    const text = seal.open(sealed);
    const opened: Sealed | undefined = text === undefined ? undefined : JSON.parse(text);
    return opened?.accountId === accountId ? opened : undefined;
  };
  const write = (accountId: string, seed: string) =>
    seal.seal(JSON.stringify({ accountId, seed, at: now().getTime() } satisfies Sealed));

  const show = (email: string, seed: string, sealed: string): ProposedTotp => ({
    uri: new TOTP({ ...ALGORITHM, issuer, label: email, secret: Secret.fromBase32(seed) }).toString(),
    key: seed.match(/.{1,4}/g)?.join(' ') ?? seed,
    sealed,
  });

  return {
    method: 'totp',

    async verify({ accountId, code }) {
      const details = { method: 'totp' };
      const reserved = await store.reserveSecondStep(accountId, lockout, now());
      if (reserved === undefined) {
        await audit.record({ kind: 'sign_in_throttled', accountId, details });
        return undefined;
      }
      const sealedSeed = reserved.totp?.sealedSeed;
      const seed = sealedSeed === undefined ? undefined : read(sealedSeed, accountId)?.seed;
      const step = seed === undefined ? undefined : stepOf(seed, code, now());
      const renewed =
        seed !== undefined && sealedSeed !== undefined && seal.isOutdated(sealedSeed)
          ? write(accountId, seed)
          : undefined;
      const person = step === undefined ? undefined : await store.acceptTotp(accountId, step, renewed);
      if (person === undefined) {
        await audit.record({ kind: 'sign_in_failed', accountId, details });
        return undefined;
      }
      return { person, method: 'totp', amr: ['otp'] };
    },

    propose({ accountId, email }) {
      const seed = new Secret({ size: SEED_BYTES }).base32;
      return show(email, seed, write(accountId, seed));
    },

    proposed({ accountId, email }, sealed) {
      const opened = read(sealed, accountId);
      const isValid = opened !== undefined && now().getTime() - opened.at < PROPOSAL_VALID;
      return isValid ? show(email, opened.seed, sealed) : undefined;
    },

    async confirm({ accountId, sealed, code, replaces }) {
      const seed = read(sealed, accountId)?.seed;
      const step = seed === undefined ? undefined : stepOf(seed, code, now());
      return (
        seed !== undefined &&
        step !== undefined &&
        store.saveTotp({ accountId, sealedSeed: write(accountId, seed), step, replaces })
      );
    },
  };
}

/** The time step whose code this is; people type it with a space in the middle, as the app shows it. */
function stepOf(seed: string, typed: string, now: Date): number | undefined {
  const token = typed.replaceAll(/[\s-]/g, '');
  if (!/^\d{6}$/.test(token)) {
    return undefined;
  }
  const timestamp = now.getTime();
  const delta = TOTP.validate({ ...ALGORITHM, secret: Secret.fromBase32(seed), token, timestamp, window: WINDOW });
  return delta === null ? undefined : TOTP.counter({ period: ALGORITHM.period, timestamp }) + delta;
}
