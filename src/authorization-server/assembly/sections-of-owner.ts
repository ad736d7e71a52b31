import { ADMINISTRATOR } from '../accounts/own-account.ts';
import { activitySection } from '../pages/account/activity.ts';
import { dataSection } from '../pages/account/data.ts';
import { profileSection } from '../pages/account/profile.ts';
import type { Section } from '../pages/account/section.ts';
import { sessionsSection } from '../pages/account/sessions.ts';
import { createOwnAccountStore } from '../storage/own-account.ts';
import { createTokensOfAccount } from '../storage/tokens-of-account.ts';
import type { AccountConsoleAssembly } from './account-console.ts';

/** Copies of everything that one account may have. */
const COPIES = { name: 'copies of data', most: 5, seconds: 3600 };

/** What people see and say of themselves. `others` have something of theirs in a copy of all data. */
export function ownerSections(
  { config, stores, page, describeOrigin, notices }: AccountConsoleAssembly,
  others: readonly Section[],
): readonly Section[] {
  const { pool, audit, artifacts, directory, rateLimits } = stores;
  const { browserSessions: sessions } = artifacts;
  const tokensOf = createTokensOfAccount(pool);
  const accounts = createOwnAccountStore(pool, ADMINISTRATOR);
  const nameOfClient = async (clientId: string) => (await directory.findClient(clientId))?.metadata.client_name;
  const own = [
    profileSection({ page, accounts, audit, emailPage: '/email' }),
    sessionsSection({ page, sessions, endSessions: sessions.end, describeOrigin, audit }),
    activitySection({ page, audit, describeOrigin, nameOfClient }),
  ];
  const data = dataSection({
    issuer: config.issuer,
    page,
    accounts,
    endAccess: artifacts.revokeByAccountId,
    mayExport: (accountId) => rateLimits.take(COPIES, accountId),
    notices,
    audit,
    exports: [
      ...[...own, ...others].flatMap((section) => section.exportOf?.bind(section) ?? []),
      async ({ accountId }) => ({ tokens: await tokensOf(accountId) }),
    ],
  });
  return [...own, data];
}
