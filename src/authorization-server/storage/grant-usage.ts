import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { GrantUsage, UsedScope } from '../grants/grant-usage.ts';
import { keyOfArtifact } from './artifact-payload.ts';
import { asUuid } from './grants.ts';

/** Lost at most when a process dies. */
const INTERVAL_MS = 30_000;

/** About 10 MB. Beyond, what is new is not noted until the next time. */
const MOST_KEPT = 50_000;

const BATCH = 1_000;

interface Use {
  readonly grantKey: string;
  readonly resourceServer: string;
  readonly scope: string;
  /** Milliseconds since 1970. */
  at: number;
}

/** A grant that has ended, or is about to leave, gets no row: it would stay for ever. */
const SAVE = `
  insert into grant_usage (grant_id, resource_server, scope, last_used_at)
  select used.* from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[])
    as used (grant_id, resource_server, scope, last_used_at)
  join artifacts on artifacts.key = used.grant_id and artifacts.consumed_at is null and artifacts.expires_at > now()
  order by used.grant_id, used.resource_server, used.scope
  on conflict (grant_id, resource_server, scope)
    do update set last_used_at = greatest(grant_usage.last_used_at, excluded.last_used_at)`;

const FIND = `select grant_id, resource_server, scope, last_used_at from grant_usage where grant_id = any($1)`;

/** What is used thousands of times a second is written down twice a minute. */
export function createGrantUsage(pool: Pick<Pool, 'query'>, logger: Pick<Logger, 'warn'>): GrantUsage {
  let noted = new Map<string, Use>();
  let writing: Promise<void> = Promise.resolve();
  const note = (use: Use) => {
    const place = `${use.grantKey} ${use.resourceServer} ${use.scope}`;
    const known = noted.get(place);
    if (known !== undefined) {
      known.at = Math.max(known.at, use.at);
    } else if (noted.size < MOST_KEPT) {
      noted.set(place, use);
    }
  };
  const writeDown = async () => {
    const uses = [...noted.values()];
    noted = new Map();
    for (let from = 0; from < uses.length; from += BATCH) {
      const batch = uses.slice(from, from + BATCH);
      await save(pool, batch).catch((err: unknown) => {
        logger.warn({ err }, 'it was not noted which grants are in use, and will be tried again');
        batch.forEach(note);
      });
    }
  };
  const inTurn = () => {
    writing = writing.then(writeDown);
    return writing;
  };
  const timer = setInterval(inTurn, INTERVAL_MS).unref();
  return {
    record({ grantId, resourceServer = '', scopes }) {
      const grantKey = asUuid(keyOfArtifact('Grant', grantId));
      for (const scope of scopes.length > 0 ? scopes : ['']) {
        note({ grantKey, resourceServer, scope, at: Date.now() });
      }
    },
    async ofGrants(grantKeys) {
      await inTurn();
      const { rows } = await pool.query<Row>({ name: 'grant-usage-find', text: FIND, values: [grantKeys] });
      return rows.map(usedScope);
    },
    async close() {
      clearInterval(timer);
      await inTurn();
    },
  };
}

async function save(pool: Pick<Pool, 'query'>, uses: readonly Use[]): Promise<void> {
  const values = [
    uses.map(({ grantKey }) => grantKey),
    uses.map(({ resourceServer }) => resourceServer),
    uses.map(({ scope }) => scope),
    uses.map(({ at }) => new Date(at)),
  ];
  await pool.query({ name: 'grant-usage-save', text: SAVE, values });
}

interface Row {
  readonly grant_id: string;
  readonly resource_server: string;
  readonly scope: string;
  readonly last_used_at: Date;
}

function usedScope({ grant_id, resource_server, scope, last_used_at }: Row): UsedScope {
  return {
    grantKey: grant_id,
    resourceServer: resource_server === '' ? undefined : resource_server,
    scope: scope === '' ? undefined : scope,
    lastUsed: last_used_at,
  };
}
