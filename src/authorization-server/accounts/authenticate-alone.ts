import type { Audit } from '../audit/audit.ts';
import type { Account, Authenticate } from './account.ts';
import type { RequiresSecondFactor } from './second-factor-policy.ts';

export interface AuthenticateAloneDeps {
  readonly authenticate: Authenticate;
  readonly requiresSecondFactor: RequiresSecondFactor;
  readonly audit: Pick<Audit, 'record'>;
}

/**
 * An email and a password where nobody is there for a second step: the password grant. Whoever has a second factor, or must
 * have one, is refused like anybody with a wrong password, or a client could go round it. Throws `TooBusy`.
 */
export type AuthenticateAlone = (
  credentials: { readonly email: string; readonly password: string },
  clientId: string,
) => Promise<Account | undefined>;

export function createAuthenticateAlone({
  authenticate,
  requiresSecondFactor,
  audit,
}: AuthenticateAloneDeps): AuthenticateAlone {
  return async (credentials, clientId) => {
    const proof = await authenticate(credentials);
    if (proof === undefined) {
      return undefined;
    }
    const { account, secondFactors } = proof.person;
    const { accountId } = account;
    if (secondFactors.length > 0 || requiresSecondFactor(account)) {
      const details = { method: proof.method, reason: 'second_step' };
      await audit.record({ kind: 'sign_in_failed', accountId, clientId, details });
      return undefined;
    }
    const details = { method: proof.method, grant: 'password' };
    await audit.record({ kind: 'sign_in', accountId, clientId, details });
    return account;
  };
}
