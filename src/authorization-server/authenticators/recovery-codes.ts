/**
 * What opens the door when the app or the passkey is lost: ten codes, each of which counts once. They carry 80 random bits,
 * so that their hashes need no slow function.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Lockout } from '../accounts/authenticate.ts';
import type { Audit } from '../audit/audit.ts';
import type { Authenticator, TypedCode } from './authenticator.ts';
import type { SecondStepStore } from './second-steps.ts';

const CODES = 10;
const GROUPS = 4;
const GROUP_LENGTH = 4;
/** Crockford's base 32: nothing in it is mistaken for anything else. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

export interface RecoveryCodesDeps {
  readonly store: Pick<SecondStepStore, 'reserveSecondStep' | 'acceptRecoveryCode' | 'replaceRecoveryCodes'>;
  readonly lockout: Lockout;
  readonly audit: Pick<Audit, 'record'>;
}

export interface RecoveryCodes extends Authenticator<TypedCode> {
  /** New ones, to be shown once: nobody can tell them afterwards. Those from before count no more. */
  make(accountId: string): Promise<readonly string[]>;
}

export function createRecoveryCodes({ store, lockout, audit }: RecoveryCodesDeps): RecoveryCodes {
  return {
    method: 'recovery_code',

    async verify({ accountId, code }) {
      const details = { method: 'recovery_code' };
      if ((await store.reserveSecondStep(accountId, lockout)) === undefined) {
        await audit.record({ kind: 'sign_in_throttled', accountId, details });
        return undefined;
      }
      const person = await store.acceptRecoveryCode(accountId, hashOf(code));
      if (person === undefined) {
        await audit.record({ kind: 'sign_in_failed', accountId, details });
        return undefined;
      }
      await audit.record({ kind: 'recovery_code_used', accountId, details: { left: person.recoveryCodesLeft } });
      return { person, method: 'recovery_code', amr: ['otp'] };
    },

    async make(accountId) {
      const codes = Array.from({ length: CODES }, randomCode);
      await store.replaceRecoveryCodes(accountId, codes.map(hashOf));
      await audit.record({ kind: 'recovery_codes_made', accountId });
      return codes;
    },
  };
}

function randomCode(): string {
  const characters = [...randomBytes(GROUPS * GROUP_LENGTH)].map((byte) => ALPHABET[byte % ALPHABET.length]).join('');
  return (characters.match(new RegExp(`.{${GROUP_LENGTH}}`, 'g')) ?? []).join('-');
}

/** However it is typed: spaces, capitals, and the letters that stand for digits in this alphabet. */
function hashOf(code: string): string {
  const plain = code.toLowerCase().replaceAll(/[\s-]/g, '').replaceAll('o', '0').replaceAll(/[il]/g, '1');
  return createHash('sha256').update(plain).digest('base64url');
}
