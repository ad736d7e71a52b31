import type { Pool } from 'pg';
import {
  MOST_TOKENS,
  type NewPersonalAccessToken,
  type PersonalAccessToken,
  type PersonalAccessTokenStore,
} from '../grants/personal-access-token.ts';
import { keyOfArtifact } from './artifact-payload.ts';
import { placeOf } from './token-payload.ts';
import { createTokenId, PERSONAL_PREFIX, slotOf } from './token-slot.ts';

/** The token is revoked at the revocation endpoint, its grant ended with the account's others: either is its end. */
const LIVE = `
  select p.id, p.account_id, p.name, p.resource_server, p.scopes, p.created_at, p.expires_at, p.grant_id
  from personal_access_tokens p
  join artifacts g on g.key = p.grant_id and g.consumed_at is null
  join tokens t on t.slot = p.token_slot and t.key = p.token_key and t.revoked_at is null
  where p.account_id = $1 and p.expires_at > now()`;

const ADD = `
  insert into personal_access_tokens
    (id, account_id, name, resource_server, scopes, grant_id, token_slot, token_key, expires_at)
  select $1, $2, $3, $4, $5, $6, $7, $8, $9
  where (select count(*) from personal_access_tokens where account_id = $2 and expires_at > now()) < $10
  on conflict (id) do nothing`;

/** Those that ended before their time, too: nobody is shown them any more. */
export const removeEndedPersonalTokens = (limit: number) => ({
  name: 'personal-token-remove-ended',
  text: `with ended as (
      select id from personal_access_tokens where expires_at < now() limit $1 for update skip locked)
    delete from personal_access_tokens using ended where personal_access_tokens.id = ended.id`,
  values: [limit],
});

export function createPersonalAccessTokens(pool: Pick<Pool, 'query'>): PersonalAccessTokenStore {
  return {
    // However long it lives it is kept among the longest: there are few of them, and their ends are anywhere in a year.
    createValue: (expiresAt) =>
      PERSONAL_PREFIX + createTokenId(slotOf(expiresAt.getTime() / 1000, Number.POSITIVE_INFINITY)),
    async ofAccount(accountId) {
      const text = `${LIVE} order by p.created_at desc, p.id`;
      const { rows } = await pool.query<Row>({ name: 'personal-tokens-of-account', text, values: [accountId] });
      return rows.map(tokenIn);
    },
    async add(token) {
      const { rowCount } = await pool.query({ name: 'personal-token-add', text: ADD, values: valuesOf(token) });
      return rowCount === 1;
    },
    async find(accountId, id) {
      const text = `${LIVE} and p.id = $2`;
      const { rows } = await pool.query<Row>({ name: 'personal-token-find', text, values: [accountId, id] });
      return rows[0] && tokenIn(rows[0]);
    },
    async remove(accountId, id) {
      const text = 'delete from personal_access_tokens where account_id = $1 and id = $2';
      const { rowCount } = await pool.query({ name: 'personal-token-remove', text, values: [accountId, id] });
      return rowCount === 1;
    },
  };
}

function valuesOf(token: NewPersonalAccessToken) {
  const { slot, key } = placeOf(token.value);
  const { id, accountId, name, resourceServer, scopes, expiresAt } = token;
  const grantKey = keyOfArtifact('Grant', token.grantId);
  return [id, accountId, name, resourceServer, scopes, grantKey, slot, key, expiresAt, MOST_TOKENS];
}

interface Row {
  readonly id: string;
  readonly account_id: string;
  readonly name: string;
  readonly resource_server: string;
  readonly scopes: readonly string[];
  readonly created_at: Date;
  readonly expires_at: Date;
  readonly grant_id: string;
}

function tokenIn(row: Row): PersonalAccessToken {
  return {
    id: row.id,
    accountId: row.account_id,
    name: row.name,
    resourceServer: row.resource_server,
    scopes: row.scopes,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    grantKey: row.grant_id,
  };
}
