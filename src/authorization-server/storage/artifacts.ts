import type { Adapter } from 'oidc-provider';
import type { Account } from '../accounts/account.ts';
import type { BrowserSessionStore } from '../accounts/browser-sessions.ts';
import type { RememberedGrants } from '../grants/remembered-grant.ts';
import type { Handles } from '../resources/handles.ts';
import type { ArtifactAdapterDeps, TokenAdapterDeps } from './adapter-deps.ts';
import { ArtifactAdapter } from './artifact-adapter.ts';
import { type ArtifactPayload, createArtifactPayload } from './artifact-payload.ts';
import { createArtifactTable } from './artifact-table.ts';
import type { Database } from './batched.ts';
import { createBrowserSessions } from './browser-sessions.ts';
import { endAll } from './end-all.ts';
import { GrantAdapter } from './grant-adapter.ts';
import { HANDLES } from './handles.ts';
import { InteractionAdapter } from './interaction-adapter.ts';
import { PolledAdapter } from './polled-adapter.ts';
import { redeem, type Substitutes } from './redemption.ts';
import { RefreshTokenAdapter } from './refresh-token-adapter.ts';
import { createRememberedGrants } from './remembered-grants.ts';
import { type CurrentRequest, createRequestMemory, take } from './request-memory.ts';
import * as revocations from './revocation-statements.ts';
import { createRotation, type RefreshGrace } from './rotation.ts';
import type { Sealing } from './sealing.ts';
import { SessionAdapter } from './session-adapter.ts';
import { TokenAdapter } from './token-adapter.ts';
import { createTokenId, slotOf } from './token-slot.ts';
import { createTokenTable } from './token-table.ts';
import { createWaitingRequests, type WaitingRequest } from './waiting-requests.ts';

export interface ArtifactStoreDeps {
  readonly pool: Database;
  readonly sealing: Sealing;
  readonly currentRequest: CurrentRequest;
  readonly refreshGrace: RefreshGrace;
  /** Called when sessions were ended whose clients have to be told. */
  readonly sessionsEnded?: (() => void) | undefined;
}

/** What the token and introspection endpoints ask of the store beyond the engine's adapter. */
export interface ArtifactStore extends RememberedGrants {
  adapter(kind: string): Adapter;
  /** The id of a token that lives so many seconds: what the engine would draw, and where it is kept besides. */
  createTokenId(kind: string, lifetime: number): string;
  /**
   * Runs an exchange of a token for others, which takes effect in one statement when it ends. Returns the ids to be told
   * instead of those that were saved, where another request with the same token was faster and both are to be told the
   * same; throws the RFC's error where they are not.
   */
  redeem(exchange: () => Promise<void>): Promise<Substitutes>;
  /** True for the first of any number of callers with this id, whichever node they ask; remembered for so many seconds. */
  firstUse(id: string, lifetime: number): Promise<boolean>;
  /** The account of a token that this request has read, as it was then; told once. */
  accountRead(accountId: string): { readonly value: Account | undefined } | undefined;
  /** What clients ask of this account and it has not answered; the newest first. */
  waitingRequests(accountId: string): Promise<WaitingRequest[]>;
  readonly browserSessions: BrowserSessionStore;
  readonly handles: Handles;
  /** Ends every session, grant and token of an account: it was disabled, deleted, or its password changed. */
  revokeByAccountId(accountId: string): Promise<void>;
  /** Ends every grant and token of a client. */
  revokeByClientId(clientId: string): Promise<void>;
}

export function createArtifactStore(deps: ArtifactStoreDeps): ArtifactStore {
  const { pool, sealing, currentRequest, refreshGrace } = deps;
  const payload = createArtifactPayload(sealing);
  const memory = createRequestMemory(currentRequest);
  const common = { pool, payload, currentRequest, memory, revokeByGrantId: createRevokeByGrantId(pool, payload) };
  const rotation = createRotation(sealing, refreshGrace);
  const tokens = createTokenTable(pool);
  const artifacts = createArtifactTable(pool);
  const createAdapter = adapterFactory({ ...common, artifacts }, { ...common, tokens, rotation });
  return {
    adapter: createAdapter,
    createTokenId(kind, lifetime) {
      const successor = take(memory()?.successors, kind);
      return successor?.value ?? createTokenId(slotOf(Date.now() / 1000 + lifetime, lifetime));
    },
    redeem: (exchange) => redeem(memory(), tokens, exchange),
    firstUse: (id, expiresIn) =>
      artifacts.insert({ row: payload.toRow('ReplayDetection', id, {}), expiresIn: Math.max(expiresIn, 0) }),
    accountRead: (accountId) => take(memory()?.accounts, accountId),
    waitingRequests: createWaitingRequests(pool, payload),
    browserSessions: createBrowserSessions({ pool, payload, currentRequest, onEnd: deps.sessionsEnded }),
    handles: HANDLES,
    ...createRememberedGrants({ pool, payload, memory }),
    async revokeByAccountId(accountId) {
      await endAll(pool, revocations.revokeByAccountId(accountId));
      deps.sessionsEnded?.();
    },
    async revokeByClientId(clientId) {
      await pool.query(revocations.revokeByClientId(clientId));
    },
  };
}

function adapterFactory(artifacts: ArtifactAdapterDeps, tokens: TokenAdapterDeps) {
  return (kind: string): Adapter => {
    switch (kind) {
      case 'AccessToken':
      case 'AuthorizationCode':
      case 'ClientCredentials':
        return new TokenAdapter(tokens, kind);
      case 'RefreshToken':
        return new RefreshTokenAdapter(tokens, kind);
      case 'Session':
        return new SessionAdapter(artifacts, kind);
      case 'Grant':
        return new GrantAdapter(artifacts, kind);
      case 'DeviceCode':
      case 'BackchannelAuthenticationRequest':
        return new PolledAdapter(artifacts, kind);
      case 'Interaction':
        return new InteractionAdapter(artifacts, kind);
      default:
        return new ArtifactAdapter(artifacts, kind);
    }
  };
}

/**
 * The engine asks once for each kind, in the same turn; one statement ends them all. Who asks later gets a statement of
 * its own: one that runs already does not see what was saved since it began.
 */
function createRevokeByGrantId(pool: Database, payload: ArtifactPayload) {
  const underWay = new Map<string, Promise<void>>();
  return async (grantId: string): Promise<void> => {
    const key = payload.keyOf('Grant', grantId);
    let revocation = underWay.get(key);
    if (revocation === undefined) {
      revocation = pool.query(revocations.revokeByGrantId(key)).then(() => {});
      underWay.set(key, revocation);
      queueMicrotask(() => underWay.delete(key));
    }
    await revocation;
  };
}
