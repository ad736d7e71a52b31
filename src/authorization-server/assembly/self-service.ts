import type { Config } from '../../config/schema.ts';
import { networkOf } from '../../http/network-of-address.ts';
import type { Authenticate } from '../accounts/account.ts';
import { acrOf } from '../accounts/assurance.ts';
import type { PasswordPolicy } from '../accounts/password-policy.ts';
import type { Passwords } from '../accounts/passwords.ts';
import type { PersonStore } from '../accounts/person.ts';
import type { RequiresSecondFactor } from '../accounts/second-factor-policy.ts';
import type { Deliveries } from '../operations/deliveries.ts';
import { emailSection } from '../pages/account/email.ts';
import type { Page } from '../pages/page.ts';
import type { RememberedRequests } from '../pages/remembered-request.ts';
import { createLinkBrowsers } from '../pages/self-service/link-browser.ts';
import { type SelfServiceDeps, selfServicePages } from '../pages/self-service/self-service.ts';
import type { PageSessions } from '../provider/page-sessions.ts';
import { createReadAddress } from '../self-service/addresses.ts';
import { createEmailChange } from '../self-service/email-change.ts';
import { createInvitations } from '../self-service/invitations.ts';
import { MAIL_FROM_NETWORK } from '../self-service/limits.ts';
import { MAIL_JOB } from '../self-service/mail-job.ts';
import { mailJobs } from '../self-service/mail-jobs.ts';
import { whileAllowed } from '../self-service/mailed-link.ts';
import { createPasswordReset } from '../self-service/password-reset.ts';
import { createSignUp } from '../self-service/sign-up.ts';
import { PostgresMailedLinks } from '../storage/mailed-links.ts';
import { MAILBOX, type MailAssembly } from './mail.ts';
import type { Stores } from './stores.ts';

interface SelfServiceAssembly {
  readonly config: Config;
  readonly stores: Stores;
  readonly deliveries: Deliveries;
  readonly mail: Pick<MailAssembly, 'mailer' | 'keepsMailbox'>;
  readonly page: Page;
  readonly passwords: Passwords;
  readonly policy: PasswordPolicy;
  readonly authenticate: Authenticate;
  readonly findPerson: PersonStore['findPerson'];
  readonly requests: RememberedRequests;
  readonly requiresSecondFactor: RequiresSecondFactor;
  readonly isKeptElsewhere: (accountId: string) => Promise<boolean>;
  readonly sessions: Pick<PageSessions, 'begin'>;
}

/** A page is only so long. */
const MOST_MAILS = 50;

/** Registration, new passwords, other addresses, invitations: all that is done by mailed links. */
export function assembleSelfService(assembly: SelfServiceAssembly) {
  const { config, stores, deliveries, mail, page, passwords, policy } = assembly;
  const { pool, sealing, accounts, artifacts, audit, rateLimits, outbox } = stores;
  const { mailer } = mail;
  const readAddress = createReadAddress(config.accounts.emailDomains);
  const links = whileAllowed(new PostgresMailedLinks(pool, sealing), ({ purpose, email }) => {
    const { registration } = config.accounts;
    const isOpen = { 'sign-up': registration === 'open', invitation: registration !== 'closed', email: true };
    // What is about an account that is there already stays, whatever its address.
    return (
      purpose === 'password' || purpose === 'email-undo' || (isOpen[purpose] && !('problem' in readAddress(email)))
    );
  });
  const shared = {
    issuer: config.issuer,
    linkLifetime: config.lifetimes.mailedLink,
    findByEmail: (email: string) => accounts.findByEmail(email),
    findAccount: (accountId: string) => accounts.findAccount(accountId),
    endAccess: (accountId: string) => artifacts.revokeByAccountId(accountId),
    enqueue: (job: object) => deliveries.enqueue(MAIL_JOB, job),
    wake: () => deliveries.wake(MAIL_JOB),
    isKeptElsewhere: assembly.isKeptElsewhere,
    take: rateLimits.take,
    admits: (from: string) => rateLimits.take(MAIL_FROM_NETWORK, networkOf(from)),
    passwords,
    policy,
    links,
    mailer,
    audit,
  };
  const signUp = createSignUp({ ...shared, readAddress, roles: config.accounts.roles });
  const passwordReset = createPasswordReset({
    ...shared,
    readAddress: createReadAddress([]),
    hasSecondFactor: async (accountId) => ((await assembly.findPerson(accountId))?.secondFactors.length ?? 0) > 0,
  });
  const emailChange = createEmailChange({ ...shared, readAddress, authenticate: assembly.authenticate });
  const browsers = createLinkBrowsers(config.lifetimes.mailedLink);
  const pages = selfServicePages({
    ...shared,
    page,
    registration: config.accounts.registration,
    signUp,
    passwordReset,
    emailChange,
    invitations: createInvitations({ passwords, policy, links, audit }),
    browsers,
    requests: assembly.requests,
    signIn: createSignInAtOnce(assembly),
    readMailbox: mail.keepsMailbox
      ? async () => {
          const mails = await outbox.list(MAILBOX, MOST_MAILS);
          return mails.map(({ id, at, payload }) => ({ id, at, ...JSON.parse(payload) }));
        }
      : undefined,
  });
  return {
    pages,
    emailSection: emailSection({
      page,
      mailer,
      emailChange,
      browsers,
      isKeptElsewhere: shared.isKeptElsewhere,
    }),
    handlers: { [MAIL_JOB]: mailJobs({ signUp, passwordReset, emailChange }) },
  };
}

/**
 * Signs in whoever has just made an account, in the browser where they chose its password. One that needs a second factor goes to
 * the sign-in page instead, which sets one up.
 */
function createSignInAtOnce({
  requiresSecondFactor,
  sessions,
  stores,
}: SelfServiceAssembly): SelfServiceDeps['signIn'] {
  return async (ctx, account) => {
    if (!requiresSecondFactor(account)) {
      const { accountId } = account;
      const amr = ['pwd'];
      const acr = acrOf(amr);
      await stores.audit.record({ kind: 'sign_in', accountId, details: { method: 'password', acr } });
      await sessions.begin(ctx, { accountId, acr, amr });
    }
  };
}
