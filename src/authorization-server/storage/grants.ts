import type { Pool } from 'pg';
import { changeGrant, type KeptGrant } from '../grants/change-grant.ts';
import type {
  GrantChange,
  GrantOrigin,
  GrantSelection,
  GrantStore,
  HeldAccess,
  HeldGrant,
  Permits,
} from '../grants/held-grant.ts';
import { keyOfArtifact } from './artifact-payload.ts';
import { endAll, untilNoneIsLeft } from './end-all.ts';
import * as statements from './grant-statements.ts';

/** Of one client, a person is shown so many at most. */
const MOST_SHOWN = 20;

/** Changed by one statement. */
const BATCH = 200;

/** A consent that is given meanwhile changes the grant, too: then it is read again. */
const MOST_ATTEMPTS = 5;

type Database = Pick<Pool, 'query'>;

export function createGrantStore(database: Database): GrantStore {
  return {
    ofAccount: (accountId) => accessOf(database, accountId),
    async originsOf(keys) {
      const { rows } = await database.query<{ key: string; payload: string }>(statements.newestTokens(keys));
      return rows.map(originIn);
    },
    async change(selection, change) {
      return untilNoneIsLeft(() => changeAll(database, selection, change));
    },
    async revoke(selection) {
      const statement = statements.endGrants(selection);
      return selection.key === undefined
        ? endAll(database, statement)
        : ((await database.query(statement)).rowCount ?? 0);
    },
    async endTokens(selection) {
      await database.query(statements.endTokensOfGrants(selection));
    },
  };
}

async function accessOf(database: Database, accountId: string): Promise<readonly HeldAccess[]> {
  type Found = statements.FoundGrant & { readonly since: Date; readonly count: number };
  const [{ rows }, sessions] = await Promise.all([
    database.query<Found>(statements.grantsOfAccount(accountId, MOST_SHOWN)),
    sessionsByGrant(database, accountId),
  ]);
  const clients = Map.groupBy(rows, (row) => row.client_id);
  return [...clients].flatMap(([clientId, found]) => {
    const grants = found.map((row) => heldGrant(row, sessions)).filter(({ until }) => until > new Date());
    const [{ since, count } = { since: new Date(), count: 0 }] = found;
    // Those that ran out within the hour are counted by the database as well.
    return grants.length === 0 ? [] : [{ clientId, since, count: count - (found.length - grants.length), grants }];
  });
}

function heldGrant({ key, client_id, created_at, payload }: statements.FoundGrant, sessions: Map<string, string>) {
  const { exp, openid, resources } = JSON.parse(payload) as KeptGrant & Permits;
  return {
    key,
    clientId: client_id,
    since: created_at,
    until: new Date(exp * 1000),
    permits: { ...(openid && { openid }), ...(resources && { resources }) },
    sessionUid: sessions.get(key),
  } satisfies HeldGrant;
}

/** Which browser session a grant belongs to: sessions name their grants, and not the other way round. */
async function sessionsByGrant(database: Database, accountId: string): Promise<Map<string, string>> {
  const { rows } = await database.query<{ uid: string; payload: string }>(statements.sessionsOfAccount(accountId));
  const pairs = rows.flatMap(({ uid, payload }) => {
    const { authorizations = {} } = JSON.parse(payload) as { authorizations?: Record<string, { grantId?: string }> };
    const grantIds = Object.values(authorizations).flatMap(({ grantId }) => grantId ?? []);
    return grantIds.map((grantId) => [keyOfArtifact('Grant', grantId), uid] as const);
  });
  return new Map(pairs.map(([key, uid]) => [asUuid(key), uid]));
}

/** As PostgreSQL writes it. */
export function asUuid(key: string): string {
  return key.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

function originIn({ key, payload }: { key: string; payload: string }): GrantOrigin {
  const { gty, rar } = JSON.parse(payload) as { gty?: unknown; rar?: unknown };
  return {
    key,
    grantType: typeof gty === 'string' ? gty.split(' ')[0] : undefined,
    authorizationDetails: Array.isArray(rar) ? rar : [],
  };
}

async function changeAll(database: Database, selection: GrantSelection, change: GrantChange): Promise<number> {
  let changed = 0;
  for (let after: string | undefined, done = false; !done; ) {
    const { rows } = await database.query<statements.FoundGrant>(statements.selectGrants(selection, after, BATCH));
    changed += await changeEach(database, selection, rows, change);
    after = rows.at(-1)?.key;
    done = rows.length < BATCH;
  }
  return changed;
}

async function changeEach(
  database: Database,
  { accountId, clientId }: GrantSelection,
  found: readonly statements.FoundGrant[],
  change: GrantChange,
): Promise<number> {
  const replaced = found.flatMap(({ key, payload }) => replacementOf(key, payload, change) ?? []);
  if (replaced.length === 0) {
    return 0;
  }
  const { rows } = await database.query<{ key: string }>(statements.replaceGrants(replaced));
  const done = new Set(rows.map(({ key }) => key));
  const missed = replaced.filter(({ key }) => !done.has(key));
  for (const { key } of missed) {
    await changeOne(database, { accountId, clientId, key }, change);
  }
  return replaced.length;
}

async function changeOne(database: Database, selection: GrantSelection, change: GrantChange): Promise<void> {
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
    const { rows } = await database.query<statements.FoundGrant>(statements.selectGrants(selection, undefined, 1));
    const replacement = rows[0] && replacementOf(rows[0].key, rows[0].payload, change);
    if (replacement === undefined || (await database.query(statements.replaceGrants([replacement]))).rowCount === 1) {
      return; // Changed, or it has ended, or somebody else has changed it so.
    }
  }
  throw new Error('a grant changes faster than it can be read');
}

function replacementOf(key: string, payload: string, change: GrantChange): statements.ReplacedGrant | undefined {
  const grant = JSON.parse(payload) as KeptGrant;
  const changed = changeGrant(grant, change);
  return changed === grant ? undefined : { key, former: payload, payload: JSON.stringify(changed), exp: changed.exp };
}
