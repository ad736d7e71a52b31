import type Provider from 'oidc-provider';
import type { Config } from '../../config/schema.ts';
import { pushAgain } from '../flows/pushed-authorization-request/push-again.ts';
import { accountConsole } from '../pages/account/console.ts';
import { createConsoleCookies } from '../pages/account/console-cookies.ts';
import { overviewSection } from '../pages/account/overview.ts';
import type { Section } from '../pages/account/section.ts';
import { securitySection } from '../pages/account/security.ts';
import type { Notices } from '../pages/notices.ts';
import type { Page } from '../pages/page.ts';
import type { DescribeOrigin } from '../pages/whereabouts.ts';
import { PROFILES } from '../profiles/profile.ts';
import { createConsoleSignIn } from '../provider/console-sign-in.ts';
import { accessSections } from './account-access.ts';
import { ownerSections } from './sections-of-owner.ts';
import { type SecuritySectionsAssembly, securitySections } from './sections-of-security.ts';
import type { Stores } from './stores.ts';

export interface AccountConsoleAssembly extends SecuritySectionsAssembly {
  readonly config: Config;
  readonly stores: Stores;
  readonly page: Page;
  readonly provider: () => Provider;
  readonly describeOrigin: DescribeOrigin;
  readonly notices: Notices;
  readonly emailSection: Section;
}

/** Forms of one account at the console: far more than anybody fills in. */
const FORMS = { name: 'console forms', most: 60, seconds: 60 };

/** The console at `/account`, with every section that it has. */
export function assembleAccountConsole(assembly: AccountConsoleAssembly) {
  const { config, stores, page, provider } = assembly;
  const { issuer, lifetimes } = config;
  const sections = sectionsOf(assembly);
  return accountConsole({
    issuer,
    page,
    cookies: createConsoleCookies({ issuer, seal: stores.sealing, lifetimes }),
    signIn: createConsoleSignIn({
      provider,
      push: PROFILES[config.profile].pushedRequests ? (params) => pushAgain(provider(), { params }) : undefined,
    }),
    findVisitor: async ({ accountId, sessionUid, grantId }) => {
      const account = await stores.artifacts.browserSessions.visit({ uid: sessionUid, grantId });
      return account?.accountId === accountId ? account : undefined;
    },
    recentSignIn: lifetimes.recentSignIn,
    maySend: (accountId) => stores.rateLimits.take(FORMS, accountId),
    // The two pages that the others stand on.
    sections: [overviewSection({ page, sections }), securitySection({ page, sections }), ...sections],
  });
}

function sectionsOf(assembly: AccountConsoleAssembly): readonly Section[] {
  const others = [assembly.emailSection, ...securitySections(assembly), ...accessSections(assembly)];
  return [...others, ...ownerSections(assembly, others)];
}
