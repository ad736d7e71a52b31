import { parseArgs } from 'node:util';
import { canonicalEmail } from '../authorization-server/accounts/email.ts';
import { assembleMail } from '../authorization-server/assembly/mail.ts';
import { LANGUAGES, type Language, loadLanguages } from '../authorization-server/languages/languages.ts';
import type { Mailer } from '../authorization-server/mail/mailer.ts';
import { createReadAddress } from '../authorization-server/self-service/addresses.ts';
import {
  createInvite,
  type Invite,
  type InviteOutcome,
  type ListedInvitation,
} from '../authorization-server/self-service/invitations.ts';
import { PostgresAccountStore } from '../authorization-server/storage/accounts.ts';
import { createAudit } from '../authorization-server/storage/audit.ts';
import { PostgresMailedLinks } from '../authorization-server/storage/mailed-links.ts';
import { PostgresOutbox } from '../authorization-server/storage/outbox.ts';
import { PostgresResourceStore } from '../authorization-server/storage/resources.ts';
import { createSealing } from '../authorization-server/storage/sealing.ts';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { createPool } from '../database/connect.ts';
import { createLogger } from '../logging/create-logger.ts';
import { OperatorError } from './explain.ts';

const USAGE = `Usage: concierge invite EMAIL [--role ROLE]... [--language LANGUAGE] [--resend] [--config FILE] [--development]
       concierge invite --list [--config FILE]
       concierge invite --revoke EMAIL [--config FILE]`;

/** `concierge invite`: mails somebody a link to make an account with, lists such invitations or takes one back. */
export async function run(argv: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      config: { type: 'string' },
      role: { type: 'string', multiple: true },
      language: { type: 'string' },
      resend: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      revoke: { type: 'string' },
      development: { type: 'boolean', default: false },
    },
  });
  const [email, ...more] = positionals;
  const asked = [email !== undefined, values.list, values.revoke !== undefined].filter(Boolean).length;
  if (asked !== 1 || more.length > 0) {
    throw new OperatorError(USAGE);
  }
  const mode = values.development ? 'development' : 'production';
  const config = loadConfig({ env: process.env, file: values.config, mode });
  const stores = openStores(config);
  try {
    if (values.list) {
      console.log(describeInvitations(await stores.invitations.listInvitations()));
    } else if (values.revoke !== undefined) {
      await revoke(stores, values.revoke);
    } else if (email !== undefined) {
      const language = languageOf(values.language ?? config.languages.default);
      await invite(config, stores, { email, roles: values.role, language, again: values.resend });
    }
  } finally {
    await stores.pool.end();
  }
}

type Stores = ReturnType<typeof openStores>;

function openStores({ database, secrets }: Config) {
  const pool = createPool({ url: database.url, max: 2, applicationName: 'concierge invite' });
  const sealing = createSealing(secrets);
  return {
    pool,
    accounts: new PostgresAccountStore(pool),
    resources: new PostgresResourceStore(pool),
    invitations: new PostgresMailedLinks(pool, sealing),
    outbox: new PostgresOutbox(pool, sealing),
    audit: createAudit(pool, () => undefined),
  };
}

async function invite(config: Config, stores: Stores, wanted: Invite): Promise<void> {
  const { emailDomains, registration, roles: ofEverybody } = config.accounts;
  if (registration === 'closed') {
    throw new OperatorError('accounts.registration is closed: set it to invitation, or to open.');
  }
  const mailer = await mailerOf(config, stores);
  if (!mailer.isAvailable) {
    throw new OperatorError('No mail can be sent: set CONCIERGE_SMTP_URL.');
  }
  await refuseUnknownRoles(stores, wanted.roles ?? []);
  const send = createInvite({
    issuer: config.issuer,
    readAddress: createReadAddress(emailDomains),
    lifetime: config.lifetimes.invitation,
    findByEmail: (emailCanonical) => stores.accounts.findByEmail(emailCanonical),
    invitations: stores.invitations,
    mailer,
    audit: stores.audit,
  });
  const outcome = await send({ ...wanted, roles: wanted.roles ?? (wanted.again ? undefined : ofEverybody) });
  if (typeof outcome === 'string') {
    throw new OperatorError(refusal(outcome, wanted.email, emailDomains));
  }
  const { email, roles, expiresAt } = outcome;
  console.log(`invited ${email} (${roles.join(', ') || 'no roles'}); good until ${expiresAt.toISOString()}`);
}

/** Puts mail into the outbox: a server that runs delivers it within seconds. */
async function mailerOf(config: Config, { outbox }: Stores): Promise<Mailer> {
  const enqueue = (kind: string, payload: object) => outbox.add(kind, JSON.stringify(payload));
  const logger = createLogger('silent');
  return (await assembleMail({ config, languages: loadLanguages(), enqueue, logger })).mailer;
}

type Refusal = Exclude<InviteOutcome, ListedInvitation>;

function refusal(outcome: Refusal, email: string, domains: readonly string[]): string {
  return {
    'no-address': `${JSON.stringify(email)} is not an email address.`,
    domain: `${email} is at none of the domains of accounts.emailDomains: ${domains.join(', ')}.`,
    'has-account': `${email} has an account already.`,
    'invited-before': `${email} has an invitation already: --resend sends another link, and the earlier one dies.`,
    'never-invited': `${email} has no invitation that could be sent again: leave --resend out.`,
  }[outcome];
}

async function revoke({ invitations }: Stores, email: string): Promise<void> {
  const canonical = canonicalEmail(email);
  if (canonical === undefined || !(await invitations.revokeInvitation(canonical))) {
    throw new OperatorError(`There is no invitation of ${email}; --list shows those that there are.`);
  }
  console.log('revoked; its link is dead');
}

async function refuseUnknownRoles({ resources }: Stores, wanted: readonly string[]): Promise<void> {
  const known = (await resources.listRoles()).map(({ name }) => name);
  const unknown = wanted.filter((role) => !known.includes(role));
  if (unknown.length > 0) {
    throw new OperatorError(`There is no role ${unknown.join(', ')}. Those that there are: ${known.join(', ')}.`);
  }
}

function languageOf(tag: string): Language {
  const language = LANGUAGES.find((one) => one.toLowerCase() === tag.toLowerCase());
  if (language === undefined) {
    throw new OperatorError(`There are no texts in ${tag}. Languages: ${LANGUAGES.join(', ')}.`);
  }
  return language;
}

export function describeInvitations(invitations: readonly ListedInvitation[], now = new Date()): string {
  const lines = invitations.map(({ email, roles, sentAt, expiresAt }) => {
    const over = expiresAt <= now ? 'expired' : 'good until';
    return `${email}  roles: ${roles.join(', ') || 'none'}  sent: ${sentAt.toISOString()}  ${over} ${expiresAt.toISOString()}`;
  });
  return lines.length === 0 ? 'no invitations' : lines.join('\n');
}
