import { ACCOUNT_CONSOLE } from '../clients/account-console.ts';
import { appsSection } from '../pages/account/apps.ts';
import type { Section } from '../pages/account/section.ts';
import type { AccountConsoleAssembly } from './account-console.ts';

/** Who else may get at the account: apps. */
export function accessSections({
  config,
  stores,
  page,
  provider,
  describeOrigin,
}: AccountConsoleAssembly): readonly Section[] {
  const { grants, grantUsage, audit, directory, artifacts } = stores;
  return [
    appsSection({
      page,
      provider,
      grants,
      usage: grantUsage,
      audit,
      async browsersOf(accountId, t) {
        const sessions = await artifacts.browserSessions.list(accountId);
        return new Map(sessions.map((session) => [session.uid, describeOrigin(session, t).browser]));
      },
      listResourceServers: () => directory.listResourceServers(),
      longest: config.lifetimes.grant,
      ours: new Set([ACCOUNT_CONSOLE]),
    }),
  ];
}
