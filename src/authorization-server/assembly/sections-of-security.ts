import type { Config } from '../../config/schema.ts';
import { createChangePassword } from '../accounts/change-password.ts';
import type { IdentityStore } from '../accounts/identities.ts';
import type { PasswordPolicy } from '../accounts/password-policy.ts';
import type { Passwords } from '../accounts/passwords.ts';
import type { PersonStore } from '../accounts/person.ts';
import type { RequiresSecondFactor } from '../accounts/second-factor-policy.ts';
import { ACCOUNT_CONSOLE } from '../clients/account-console.ts';
import { connectedSection } from '../pages/account/connected.ts';
import { passkeysSection } from '../pages/account/passkeys.ts';
import { passwordSection } from '../pages/account/password.ts';
import type { Section } from '../pages/account/section.ts';
import { twoStepSection } from '../pages/account/two-step.ts';
import type { Notices } from '../pages/notices.ts';
import type { Page } from '../pages/page.ts';
import type { DescribeOrigin } from '../pages/whereabouts.ts';
import { endAll } from '../storage/end-all.ts';
import { endLinksOfAccount } from '../storage/mailed-links.ts';
import { endGrantsOfAccount } from '../storage/revocation-statements.ts';
import type { AssembledPasskeys } from './passkeys.ts';
import type { SecondFactors } from './sign-in.ts';
import type { Stores } from './stores.ts';

export interface SecuritySectionsAssembly {
  readonly config: Config;
  readonly stores: Stores;
  readonly page: Page;
  readonly notices: Notices;
  readonly findPerson: PersonStore['findPerson'];
  readonly identities: Pick<IdentityStore, 'identitiesOf' | 'unlink'>;
  readonly isKeptElsewhere: (accountId: string) => Promise<boolean>;
  readonly passwords: Passwords;
  readonly passwordPolicy: PasswordPolicy;
  readonly passkeys: AssembledPasskeys;
  readonly secondFactors: SecondFactors;
  readonly requiresSecondFactor: RequiresSecondFactor;
  readonly describeOrigin: DescribeOrigin;
}

/** Changes of a password by one account: far more than anybody needs. */
const PASSWORD_CHANGES = { name: 'password changes', most: 20, seconds: 3600 };

/** What stands behind "Sign-in & security" in the console. */
export function securitySections(assembly: SecuritySectionsAssembly): readonly Section[] {
  const { config, stores, page, notices, identities } = assembly;
  const { issuer, brand, upstreamProviders: providers } = config;
  const { audit } = stores;
  return [
    passwordSection({ page, notices, brand: brand.name, changePassword: changePassword(assembly) }),
    twoStepSection({ ...assembly, ...assembly.secondFactors, store: stores.secondSteps, audit }),
    passkeysSection({ ...assembly, ...assembly.passkeys, issuer, audit }),
    connectedSection({ page, providers, identities, audit, notices }),
  ];
}

function changePassword({
  config,
  stores,
  findPerson,
  isKeptElsewhere,
  passwords,
  passwordPolicy,
}: SecuritySectionsAssembly) {
  const { pool, accounts, artifacts, audit, rateLimits } = stores;
  return createChangePassword({
    accounts,
    findPerson,
    passwords,
    policy: passwordPolicy,
    lockout: config.lockout,
    endOtherSessions: async (accountId, keptUid) =>
      void (await artifacts.browserSessions.end(accountId, { allBut: keptUid })),
    endLinks: async (accountId) => void (await pool.query(endLinksOfAccount(accountId, ['password', 'email']))),
    endApps: async (accountId) => void (await endAll(pool, endGrantsOfAccount(accountId, ACCOUNT_CONSOLE))),
    mayTry: (accountId) => rateLimits.take(PASSWORD_CHANGES, accountId),
    isKeptElsewhere,
    audit,
  });
}
