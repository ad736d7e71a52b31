import type { Logger } from 'pino';
import type { Config } from '../../config/schema.ts';
import type { PasswordDirectory } from '../accounts/authenticate.ts';
import type { PersonStore } from '../accounts/person.ts';
import { createRecognise, type Recognise } from '../accounts/recognise.ts';
import { createLdapPasswords } from '../authenticators/ldap.ts';
import { createLdapDirectory } from '../authenticators/ldap-directory.ts';
import { createUpstreamProvider } from '../authenticators/upstream-provider.ts';
import type { Notices } from '../pages/notices.ts';
import type { Page } from '../pages/page.ts';
import { signInWith } from '../pages/sign-in-with.ts';
import { PostgresIdentityStore } from '../storage/account-identities.ts';
import type { Stores } from './stores.ts';

export interface ElsewhereAssembly {
  readonly config: Config;
  readonly stores: Stores;
  readonly page: Page;
  readonly notices: Notices;
  readonly findPerson: PersonStore['findPerson'];
  readonly logger: Logger;
}

/** What knows people elsewhere: upstream OpenID providers, and an LDAP directory. */
export function assembleElsewhere({ config, stores, page, notices, findPerson, logger }: ElsewhereAssembly) {
  const { pool, accounts, audit, sealing } = stores;
  const identities = new PostgresIdentityStore(pool);
  const recognise = createRecognise({ identities, accounts, newcomers: config.accounts });
  const providers = config.upstreamProviders.map((settings) => ({
    ...createUpstreamProvider(settings),
    createsAccounts: settings.createsAccounts,
  }));
  return {
    identities,
    providers,
    /** Whether the password of an account is the directory's. */
    isKeptElsewhere: async (accountId: string) =>
      config.ldap !== null && (await identities.identitiesOf(accountId)).some(({ provider }) => provider === 'ldap'),
    passwordDirectory: passwordDirectory({ config, stores, logger }, recognise, identities),
    signInWith: signInWith({
      page,
      issuer: config.issuer,
      providers,
      recognise,
      identities,
      findPerson,
      audit,
      notices,
      seal: {
        seal: (text) => sealing.seal('sign-in elsewhere', text),
        open: (sealed) => sealing.open('sign-in elsewhere', sealed),
      },
      report: (err) => logger.warn({ err }, 'an upstream provider cannot be used'),
    }),
  };
}

function passwordDirectory(
  { config: { ldap, lockout }, stores, logger }: Pick<ElsewhereAssembly, 'config' | 'stores' | 'logger'>,
  recognise: Recognise,
  identities: PostgresIdentityStore,
): PasswordDirectory | undefined {
  const { accounts, audit, rateLimits } = stores;
  const guesses = { name: 'LDAP guesses', most: lockout.attempts, seconds: lockout.seconds };
  return ldap === null
    ? undefined
    : createLdapPasswords({
        directory: createLdapDirectory(ldap),
        createsAccounts: ldap.createsAccounts,
        recognise,
        identities,
        recordSuccess: (success) => accounts.recordSuccess(success),
        audit,
        guesses: {
          take: (email) => rateLimits.take(guesses, email),
          giveBack: (email) => rateLimits.giveBack(guesses, email),
        },
        report: (err) => logger.warn({ err }, 'the LDAP directory cannot be asked'),
      });
}
