import type { ArtifactPayload } from './artifact-payload.ts';
import type { Database } from './batched.ts';

/** A request that waits for somebody's answer (CIBA): how to speak of it to them, and how to find it. */
export interface WaitingRequest {
  /** Means nothing to anyone but this server, and cannot be guessed. */
  readonly handle: string;
  /** What the client polls with: for the engine only. */
  readonly id: string;
}

const KIND = 'BackchannelAuthenticationRequest';

/** A person can look through so many. */
const MOST = 20;

/** Some of them may be over or denied, which only the payload tells. The newest come first. */
const WAITING = `
  select key, payload from artifacts
  where account_id = $1 and kind = $2 and consumed_at is null and grant_id is null and expires_at > now()
  order by created_at desc, key limit $3`;

export const createWaitingRequests =
  (database: Database, payload: ArtifactPayload) =>
  async (accountId: string): Promise<WaitingRequest[]> => {
    const { rows } = await database.query<{ key: string; payload: string }>({
      name: 'waiting-requests',
      text: WAITING,
      values: [accountId, KIND, MOST],
    });
    return rows.flatMap((row) => {
      const id = payload.fromRow(KIND, undefined, row.payload)?.jti;
      return id === undefined ? [] : [{ handle: row.key, id }];
    });
  };
