import { ACCOUNT_CONSOLE } from '../clients/account-console.ts';
import { PERSONAL_ACCESS } from '../clients/personal-access.ts';
import { appsSection } from '../pages/account/apps.ts';
import type { Section } from '../pages/account/section.ts';
import { tokensSection } from '../pages/account/tokens.ts';
import { PROFILES } from '../profiles/profile.ts';
import type { AccountConsoleAssembly } from './account-console.ts';

/** Enough for somebody who sets up a machine; a stolen session gets no further. */
const TOKENS_MADE = { name: 'personal access tokens', most: 20, seconds: 3600 };

/** Who else may get at the account: apps, and whoever has a token that its holder made. */
export function accessSections({
  config,
  stores,
  page,
  provider,
  describeOrigin,
  notices,
}: AccountConsoleAssembly): readonly Section[] {
  const { grants, grantUsage, audit, directory, artifacts } = stores;
  const apps = appsSection({
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
    ours: new Set([ACCOUNT_CONSOLE, PERSONAL_ACCESS]),
  });
  const tokens = tokensSection({
    page,
    provider,
    tokens: stores.personalAccessTokens,
    grants,
    usage: grantUsage,
    audit,
    notices,
    resources: directory,
    mayMake: (accountId) => stores.rateLimits.take(TOKENS_MADE, accountId),
  });
  // Whoever has such a token can use it: a profile whose tokens are all bound to keys has none.
  return PROFILES[config.profile].boundTokens ? [apps] : [apps, tokens];
}
