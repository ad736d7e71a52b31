import type { Adapter } from 'oidc-provider';
import { ArtifactAdapter, type ArtifactStoreDeps } from './artifact-adapter.ts';
import * as statements from './artifact-statements.ts';
import { GrantAdapter } from './grant-adapter.ts';
import { InteractionAdapter } from './interaction-adapter.ts';
import { SessionAdapter, SessionMemory } from './session-adapter.ts';

/** What the token and introspection endpoints ask of the store beyond the engine's adapter. */
export interface ArtifactStore {
  adapter(kind: string): Adapter;
  /** Ends every session, grant and token of an account: it was disabled, deleted, or its password changed. */
  revokeByAccountId(accountId: string): Promise<void>;
  /** Ends every grant and token of a client. */
  revokeByClientId(clientId: string): Promise<void>;
  /** Removes at most `limit` expired artifacts, and says how many there were. Any number of nodes may do so at once. */
  removeExpired(limit: number): Promise<number>;
}

export function createArtifactStore(deps: ArtifactStoreDeps): ArtifactStore {
  const revocations = new Map<string, Promise<void>>();
  const sessions = new SessionMemory(deps.currentRequest);
  return {
    adapter(kind) {
      switch (kind) {
        case 'Session':
          return new SessionAdapter(deps, kind, revocations, sessions);
        case 'Grant':
          return new GrantAdapter(deps, kind, revocations);
        case 'Interaction':
          return new InteractionAdapter(deps, kind, revocations);
        default:
          return new ArtifactAdapter(deps, kind, revocations);
      }
    },
    async revokeByAccountId(accountId) {
      await deps.pool.query(statements.revokeByAccountId(accountId));
    },
    async revokeByClientId(clientId) {
      await deps.pool.query(statements.revokeByClientId(clientId));
    },
    async removeExpired(limit) {
      const { rowCount } = await deps.pool.query(statements.removeExpired(limit));
      return rowCount ?? 0;
    },
  };
}
