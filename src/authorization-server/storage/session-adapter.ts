import type { AdapterPayload } from 'oidc-provider';
import { ArtifactAdapter, type ArtifactAdapterDeps } from './artifact-adapter.ts';
import { type CurrentRequest, rememberAccount, take } from './request-memory.ts';
import { endSession } from './revocation-statements.ts';

/**
 * Sessions are saved again on every visit, and the engine writes the whole row: a request that was under way while the
 * person signed out would bring the session back to life. So a session that this request found is only ever updated.
 * A new id, which the engine gives by ending the one and saving the other, is such an update too: there is no moment
 * at which a sign-out finds nothing to end. And what ends a session ends it under whatever id it has by then.
 */
export class SessionAdapter extends ArtifactAdapter {
  readonly #memory: SessionMemory;

  constructor(deps: ArtifactAdapterDeps, kind: string, memory: SessionMemory) {
    super(deps, kind);
    this.#memory = memory;
  }

  override async find(id: string): Promise<AdapterPayload | undefined> {
    const row = await this.deps.artifacts.findWithAccount(this.keyOf(id));
    const payload = this.read(row, id);
    const memory = this.deps.memory();
    if (row !== undefined && memory !== undefined) {
      rememberAccount(memory, row);
    }
    if (payload) {
      this.#memory.found()?.set(this.keyOf(id), payload.uid);
    }
    return payload;
  }

  override async findByUid(uid: string): Promise<AdapterPayload | undefined> {
    const known = take(this.deps.memory()?.sessions, uid);
    if (known !== undefined) {
      return known.value === undefined ? undefined : this.read({ payload: known.value, consumed_at: null });
    }
    return super.findByUid(uid);
  }

  override async upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    const row = this.row(id, payload);
    const found = this.#memory.found();
    const formerId = this.#memory.replacedId();
    const former = [row.key, ...(formerId === undefined ? [] : [this.keyOf(formerId)])].find((key) => found?.has(key));
    if (former === undefined) {
      return super.upsert(id, payload, expiresIn);
    }
    await this.deps.artifacts.update({ row, expiresIn: expiresIn ?? null, formerKey: former });
    found?.delete(former);
    found?.set(row.key, payload.uid);
  }

  override async destroy(id: string): Promise<void> {
    if (id !== this.#memory.replacedId()) {
      const key = this.keyOf(id);
      await this.deps.pool.query(endSession(key, this.#memory.found()?.get(key)));
      this.#memory.found()?.delete(key);
    }
  }
}

/** Which sessions a request has found: their keys, and the uid that a session keeps whatever its id. */
export class SessionMemory {
  readonly #currentRequest: CurrentRequest;
  readonly #requests = new WeakMap<object, Map<string, string | undefined>>();

  constructor(currentRequest: CurrentRequest) {
    this.#currentRequest = currentRequest;
  }

  /** `undefined` outside of a request. */
  found(): Map<string, string | undefined> | undefined {
    const identity = this.#currentRequest()?.identity;
    if (identity === undefined) {
      return undefined;
    }
    const found = this.#requests.get(identity) ?? new Map<string, string | undefined>();
    this.#requests.set(identity, found);
    return found;
  }

  replacedId(): string | undefined {
    return this.#currentRequest()?.replacedSessionId;
  }
}
