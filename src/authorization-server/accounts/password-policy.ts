/**
 * Which password somebody may choose (OWASP ASVS 5.0 V6.2, NIST SP 800-63B-4 §3.1.1.2): any characters, long enough, and not among
 * those that are guessed first. A password that is there already is never judged: it goes on to sign in, and never expires.
 */
import { createGuessable } from './guessable-passwords.ts';

/** `key` is a message (locales), so that everybody reads it in their own language. */
export interface PasswordProblem {
  readonly key: `passwords.${'too-short' | 'too-long' | 'common' | 'personal' | 'breached'}`;
  readonly values: Readonly<Record<string, number>>;
}

/** Who is to have the password. */
export interface PasswordOwner {
  readonly email?: string | undefined;
  readonly name?: string | undefined;
  /** A password that does not stand alone may be shorter. */
  readonly hasSecondFactor?: boolean | undefined;
}

export interface PasswordPolicy {
  /** Why a new password is refused; `undefined` when it is fine. Nothing leaves this server but where `isBreached` is given. */
  newPasswordProblem(password: string, owner: PasswordOwner): Promise<PasswordProblem | undefined>;
  /** The same without asking anybody else: for what an operator writes into a file. */
  offlineProblem(password: string, owner: PasswordOwner): PasswordProblem | undefined;
  /** The least number of characters, for a page to say beforehand. */
  minLength(owner: PasswordOwner): number;
}

export interface PasswordPolicySettings {
  /** Characters, each code point after normalisation counting as one. */
  readonly minLength: number;
  readonly minLengthWithSecondFactor: number;
  /** Bytes of UTF-8. */
  readonly maxLength: number;
  /** What everybody here would think of first: the name of the brand. */
  readonly contextWords: readonly string[];
  /** Whether it stands in a list of stolen ones; false where nobody can tell. */
  readonly isBreached?: ((password: string) => Promise<boolean>) | undefined;
}

export function createPasswordPolicy(settings: PasswordPolicySettings): PasswordPolicy {
  const { maxLength, contextWords, isBreached } = settings;
  const guessable = createGuessable();
  const minLength = ({ hasSecondFactor = false }: PasswordOwner) =>
    hasSecondFactor ? Math.min(settings.minLength, settings.minLengthWithSecondFactor) : settings.minLength;

  function offlineProblem(password: string, owner: PasswordOwner): PasswordProblem | undefined {
    if (Buffer.byteLength(password) > maxLength) {
      return { key: 'passwords.too-long', values: { most: maxLength } };
    }
    const least = minLength(owner);
    if ([...password.normalize('NFKC')].length < least) {
      return { key: 'passwords.too-short', values: { least } };
    }
    if (guessable.isCommon(password)) {
      return { key: 'passwords.common', values: {} };
    }
    if (guessable.isAbout(password, [owner.email ?? '', owner.name ?? '', ...contextWords])) {
      return { key: 'passwords.personal', values: {} };
    }
    return undefined;
  }

  return {
    minLength,
    offlineProblem,
    async newPasswordProblem(password, owner) {
      const problem = offlineProblem(password, owner);
      if (problem === undefined && (await isBreached?.(password))) {
        return { key: 'passwords.breached', values: {} };
      }
      return problem;
    },
  };
}
