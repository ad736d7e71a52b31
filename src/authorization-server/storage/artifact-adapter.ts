import { type Adapter, type AdapterPayload, errors } from 'oidc-provider';
import type { ArtifactAdapterDeps } from './adapter-deps.ts';
import type { ArtifactRow } from './artifact-payload.ts';
import type { FoundArtifact } from './artifact-statements.ts';

/**
 * One kind of artifact for the engine. Guarantees beyond the obvious (artifacts.contract.ts tests each sentence):
 * acknowledged means committed; of any number of parallel `consume`s of one artifact exactly one succeeds; saving an
 * artifact again never makes it unconsumed; a revocation of a grant reaches every kind in one statement.
 */
export class ArtifactAdapter implements Adapter {
  protected readonly deps: ArtifactAdapterDeps;
  readonly #kind: string;

  constructor(deps: ArtifactAdapterDeps, kind: string) {
    this.deps = deps;
    this.#kind = kind;
  }

  async upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    await this.deps.artifacts.upsert({ row: this.row(id, payload), expiresIn: expiresIn ?? null });
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    return this.read(await this.deps.artifacts.find(this.keyOf(id)), id);
  }

  async findByUid(uid: string): Promise<AdapterPayload | undefined> {
    // PostgreSQL refuses a NUL in a text, so no row has such a uid.
    return uid.includes('\0') ? undefined : this.read(await this.deps.artifacts.findByUid(this.#kind, uid));
  }

  async findByUserCode(userCode: string): Promise<AdapterPayload | undefined> {
    const userCodes = this.deps.payload.userCodes(userCode);
    return this.read(await this.deps.artifacts.findByUserCode(this.#kind, userCodes));
  }

  /** The engine checks `consumed` on what it read earlier; the conditional update decides, and the loser gets the RFC's error. */
  async consume(id: string): Promise<void> {
    if (!(await this.deps.artifacts.consume(this.keyOf(id)))) {
      throw this.#kind === 'PushedAuthorizationRequest'
        ? new errors.InvalidRequestUri('request_uri was already used')
        : new errors.InvalidGrant('already consumed');
    }
  }

  async destroy(id: string): Promise<void> {
    await this.deps.artifacts.destroy(this.keyOf(id));
  }

  async revokeByGrantId(grantId: string): Promise<void> {
    await this.deps.revokeByGrantId(grantId);
  }

  protected keyOf(id: string): string {
    return this.deps.payload.keyOf(this.#kind, id);
  }

  protected row(id: string, payload: AdapterPayload): ArtifactRow {
    return this.deps.payload.toRow(this.#kind, id, payload);
  }

  protected read(row: FoundArtifact | undefined, id?: string): AdapterPayload | undefined {
    const payload = row && this.deps.payload.fromRow(this.#kind, id, row.payload);
    if (payload && row.consumed_at !== null) {
      payload.consumed = Math.floor(row.consumed_at);
    }
    return payload;
  }
}
