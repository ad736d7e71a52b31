import { parse, YAMLParseError } from 'yaml';
import { MAILBOX } from '../../authorization-server/assembly/mail.ts';
import type { Message } from '../../authorization-server/mail/render-mail.ts';
import type { Instance } from '../instance.ts';
import { type AuditEvent, AuditQuery, ClockChange, DirectoryDocument, type Mail } from '../protocol.ts';
import { listSigningKeys } from '../signing-keys.ts';
import { requireAccount } from './accounts.ts';
import { ControlError } from './control-error.ts';
import { parsed, type Route } from './route.ts';

const MOST_MAILS = 1_000;
const MOST_EVENTS = 10_000;

export const serverRoutes: readonly Route[] = [
  { method: 'POST', path: '/directory', answer: (instance, { body }) => instance.apply(documentIn(body)) },
  { method: 'GET', path: '/clock', answer: time },
  {
    method: 'POST',
    path: '/clock',
    async answer(instance, { body }) {
      await instance.clock.change(instance.pool, parsed(ClockChange, body));
      return time(instance);
    },
  },
  {
    method: 'DELETE',
    path: '/clock',
    async answer(instance) {
      await instance.clock.reset(instance.pool);
      return time(instance);
    },
  },
  { method: 'GET', path: '/mail', answer: (instance, { query }) => mails(instance, query.get('to')) },
  {
    method: 'DELETE',
    path: '/mail',
    answer: async ({ pool }) => void (await pool.query('delete from outbox where kind = $1', [MAILBOX])),
  },
  {
    method: 'POST',
    path: '/signing-keys',
    async answer(instance) {
      await instance.rotateSigningKeys();
      return listSigningKeys(instance.pool);
    },
  },
  {
    method: 'GET',
    path: '/audit-events',
    answer: (instance, { query }) => auditEvents(instance, parsed(AuditQuery, Object.fromEntries(query))),
  },
  { method: 'POST', path: '/reset', answer: (instance) => instance.reset() },
];

async function time({ clock }: Instance) {
  return { now: clock.now().toISOString() };
}

function documentIn(body: unknown): unknown {
  const { document } = parsed(DirectoryDocument, body);
  try {
    return typeof document === 'string' ? parse(document) : document;
  } catch (error) {
    throw error instanceof YAMLParseError ? new ControlError(400, error.message) : error;
  }
}

async function mails({ server }: Instance, to: string | null): Promise<Mail[]> {
  const all = await server.stores.outbox.list(MAILBOX, MOST_MAILS);
  return all
    .map(({ id, at, payload }) => mailIn(id, at, JSON.parse(payload)))
    .filter((mail) => to === null || mail.to.toLowerCase() === to.toLowerCase());
}

function mailIn(id: string, at: Date, { to, subject, text }: Message): Mail {
  return { id, to, subject, text, links: text.match(/https?:\/\/\S+/g) ?? [], sentAt: at.toISOString() };
}

async function auditEvents(instance: Instance, { kind, account, client }: AuditQuery): Promise<AuditEvent[]> {
  const accountId = account === undefined ? undefined : (await requireAccount(instance, account)).accountId;
  const { rows } = await instance.pool.query<Omit<AuditEvent, 'at'> & { at: Date }>(
    `select kind, at, account_id as "accountId", client_id as "clientId", details from audit_events
     where ($1::text is null or kind = $1) and ($2::text is null or account_id = $2) and ($3::text is null or client_id = $3)
     order by at, id limit ${MOST_EVENTS}`,
    [kind, accountId, client],
  );
  return rows.map((row) => ({ ...row, at: row.at.toISOString() }));
}
