import type { Pool } from 'pg';
import type { HeldToken } from '../accounts/held-tokens.ts';

/** A copy of somebody's data has no more of them. */
const MOST = 5_000;

/** Those that can still be used. By two indexes; nothing that a frequent request asks. */
const TOKENS = {
  name: 'tokens-of-account',
  text: `select kind, client_id, payload from tokens
    where (grant_id = any (array(select key from artifacts where account_id = $1 and kind = 'Grant'))
        or (account_id = $1 and grant_id is null))
      and consumed_at is null and revoked_at is null limit ${MOST}`,
};

export function createTokensOfAccount(pool: Pick<Pool, 'query'>) {
  return async (accountId: string): Promise<readonly HeldToken[]> => {
    const { rows } = await pool.query<{ kind: string; client_id: string | null; payload: string }>({
      ...TOKENS,
      values: [accountId],
    });
    return rows.map(heldToken).filter(({ expiresAt }) => expiresAt === undefined || expiresAt.getTime() > Date.now());
  };
}

function heldToken({
  kind,
  client_id,
  payload,
}: {
  kind: string;
  client_id: string | null;
  payload: string;
}): HeldToken {
  const { iat, exp, scope } = JSON.parse(payload);
  return {
    kind,
    clientId: client_id ?? undefined,
    scope: typeof scope === 'string' ? scope : undefined,
    issuedAt: timeOf(iat),
    expiresAt: timeOf(exp),
  };
}

function timeOf(seconds: unknown): Date | undefined {
  return typeof seconds === 'number' ? new Date(seconds * 1000) : undefined;
}
