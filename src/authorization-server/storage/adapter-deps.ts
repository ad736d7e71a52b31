import type { ArtifactPayload } from './artifact-payload.ts';
import type { ArtifactTable } from './artifact-table.ts';
import type { Database } from './batched.ts';
import type { CurrentRequest, RequestMemory } from './request-memory.ts';
import type { Rotation } from './rotation.ts';
import type { TokenTable } from './token-table.ts';

/** What every adapter of the store works with. */
export interface AdapterDeps {
  readonly pool: Database;
  readonly payload: ArtifactPayload;
  readonly currentRequest: CurrentRequest;
  readonly memory: () => RequestMemory | undefined;
  readonly revokeByGrantId: (grantId: string) => Promise<void>;
}

export interface ArtifactAdapterDeps extends AdapterDeps {
  readonly artifacts: ArtifactTable;
}

export interface TokenAdapterDeps extends AdapterDeps {
  readonly tokens: TokenTable;
  readonly rotation: Rotation;
}
