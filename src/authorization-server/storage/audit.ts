import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import type { Audit, AuditEvent, AuditKind, AuditRow } from '../audit/audit.ts';
import type { CurrentRequest } from '../provider/current-request.ts';
import { batchSaves } from './batched.ts';

interface NewRow extends AuditEvent {
  readonly id: string;
  readonly requestId: string | undefined;
  readonly address: string | undefined;
  readonly userAgent: string | undefined;
}

const COLUMNS = 'id, at, kind, account_id, client_id, request_id, address, user_agent, details';

/** What a browser calls itself may be as long as a header; what is told apart stands at its beginning. */
const LONGEST_USER_AGENT = 400;

/** Small enough that no request waits for it. */
export const removeOldAudit = (seconds: number, limit: number) => ({
  name: 'audit-remove-old',
  text: `with old as (
      select id from audit_events where at < now() - make_interval(secs => $1) limit $2 for update skip locked)
    delete from audit_events using old where audit_events.id = old.id`,
  values: [seconds, limit],
});

export function createAudit(pool: Pick<Pool, 'query'>, currentRequest: CurrentRequest['read']): Audit {
  const save = batchSaves<NewRow>(pool, insert, ({ id }) => id);
  return {
    async record(event) {
      const id = randomUUID();
      const origin = currentRequest()?.origin;
      const userAgent = origin?.userAgent?.slice(0, LONGEST_USER_AGENT);
      await save({ ...event, id, requestId: origin?.requestId, address: origin?.address, userAgent });
      return id;
    },
    async ofAccount(accountId, { limit, before }) {
      const { rows } = await pool.query<Row>({
        name: 'audit-of-account',
        text: `select ${COLUMNS} from audit_events
          where account_id = $1 and ($3::uuid is null
            or (at, id) < (select earlier.at, earlier.id from audit_events earlier where earlier.id = $3))
          order by at desc, id desc limit $2`,
        values: [accountId, limit, before ?? null],
      });
      return rows.map(rowOf);
    },
    async find(id) {
      const text = `select ${COLUMNS} from audit_events where id = $1`;
      const { rows } = await pool.query<Row>({ name: 'audit-find', text, values: [id] });
      return rows[0] && rowOf(rows[0]);
    },
  };
}

function insert(events: readonly NewRow[]) {
  const list = (of: (event: NewRow) => unknown) => events.map((event) => of(event) ?? null);
  return {
    name: 'audit-insert',
    text: `insert into audit_events (id, kind, account_id, client_id, request_id, address, user_agent, details)
      select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::jsonb[])`,
    values: [
      list(({ id }) => id),
      list(({ kind }) => kind),
      list(({ accountId }) => accountId),
      list(({ clientId }) => clientId),
      list(({ requestId }) => requestId),
      list(({ address }) => address),
      list(({ userAgent }) => userAgent),
      list(({ details }) => JSON.stringify(details ?? {})),
    ],
  };
}

interface Row {
  readonly id: string;
  readonly at: Date;
  readonly kind: AuditKind;
  readonly account_id: string | null;
  readonly client_id: string | null;
  readonly request_id: string | null;
  readonly address: string | null;
  readonly user_agent: string | null;
  readonly details: NonNullable<AuditEvent['details']>;
}

function rowOf(row: Row): AuditRow {
  return {
    id: row.id,
    at: row.at,
    kind: row.kind,
    accountId: row.account_id ?? undefined,
    clientId: row.client_id ?? undefined,
    requestId: row.request_id ?? undefined,
    address: row.address ?? undefined,
    userAgent: row.user_agent ?? undefined,
    details: row.details,
  };
}
