import type { AdapterPayload } from 'oidc-provider';
import { ArtifactAdapter, type ArtifactStoreDeps, type RequestInProgress } from './artifact-adapter.ts';
import * as statements from './artifact-statements.ts';

/**
 * Sessions are saved again on every visit, and the engine writes the whole row: a request that was under way while the
 * person signed out would bring the session back to life. So a session that this request found is only ever updated,
 * and one whose id this request wanted to replace is replaced only if it was still there.
 */
export class SessionAdapter extends ArtifactAdapter {
  readonly #memory: SessionMemory;

  constructor(deps: ArtifactStoreDeps, kind: string, revocations: Map<string, Promise<void>>, memory: SessionMemory) {
    super(deps, kind, revocations);
    this.#memory = memory;
  }

  override async find(id: string): Promise<AdapterPayload | undefined> {
    const payload = await super.find(id);
    if (payload) {
      this.#memory.found(this.keyOf(id));
    }
    return payload;
  }

  override async upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    const row = this.row(id, payload);
    if (this.#memory.wasEnded()) {
      return;
    }
    if (this.#memory.wasFound(row.key)) {
      await this.pool.query(statements.update(row, expiresIn ?? null));
    } else {
      await super.upsert(id, payload, expiresIn);
    }
  }

  override async destroy(id: string): Promise<void> {
    const { rowCount } = await this.pool.query(statements.destroy(this.keyOf(id)));
    if (rowCount === 0 && this.#memory.wasFound(this.keyOf(id))) {
      this.#memory.ended();
    }
  }
}

export class SessionMemory {
  readonly #currentRequest: () => RequestInProgress | undefined;
  readonly #requests = new WeakMap<object, { found: Set<string>; ended: boolean }>();

  constructor(currentRequest: () => RequestInProgress | undefined) {
    this.#currentRequest = currentRequest;
  }

  found(key: string): void {
    this.#request()?.found.add(key);
  }

  ended(): void {
    const request = this.#request();
    if (request) {
      request.ended = true;
    }
  }

  wasFound(key: string): boolean {
    return this.#request()?.found.has(key) ?? false;
  }

  wasEnded(): boolean {
    return this.#request()?.ended ?? false;
  }

  #request() {
    const identity = this.#currentRequest()?.identity;
    if (identity === undefined) {
      return undefined;
    }
    const request = this.#requests.get(identity) ?? { found: new Set<string>(), ended: false };
    this.#requests.set(identity, request);
    return request;
  }
}
