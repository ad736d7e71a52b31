import { type Adapter, type AdapterPayload, errors } from 'oidc-provider';
import type { Pool } from 'pg';
import type { ArtifactPayload, ArtifactRow } from './artifact-payload.ts';
import * as statements from './artifact-statements.ts';

export interface ArtifactStoreDeps {
  readonly pool: Pick<Pool, 'query'>;
  readonly payload: ArtifactPayload;
  /** The request being answered, which an adapter is not told of; `undefined` outside of one. */
  readonly currentRequest: () => RequestInProgress | undefined;
}

export interface RequestInProgress {
  /** The same object for the whole request. */
  readonly identity: object;
  /** Milliseconds since the request arrived, whenever it is read. */
  readonly age: number;
  /** The id of the session that gets another one in this request. */
  readonly replacedSessionId?: string | undefined;
}

/**
 * One kind of artifact for the engine. Guarantees beyond the obvious (artifacts.contract.ts tests each sentence):
 * acknowledged means committed; of any number of parallel `consume`s of one artifact exactly one succeeds; saving an
 * artifact again never makes it unconsumed; a revocation of a grant reaches every kind in one statement.
 */
export class ArtifactAdapter implements Adapter {
  readonly #deps: ArtifactStoreDeps;
  readonly #kind: string;
  readonly #revocations: Map<string, Promise<void>>;

  constructor(deps: ArtifactStoreDeps, kind: string, revocations: Map<string, Promise<void>>) {
    this.#deps = deps;
    this.#kind = kind;
    this.#revocations = revocations;
  }

  async upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    await this.#deps.pool.query(statements.upsert(this.row(id, payload), expiresIn ?? null));
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    const request = this.#deps.currentRequest();
    const { rows } = await this.#deps.pool.query(statements.find(this.keyOf(id), () => request?.age ?? 0));
    return this.#read(rows[0], id);
  }

  async findByUid(uid: string): Promise<AdapterPayload | undefined> {
    if (uid.includes('\0')) {
      return undefined; // PostgreSQL refuses it in a text, so no row has such a uid.
    }
    const { rows } = await this.#deps.pool.query(statements.findByUid(this.#kind, uid));
    return this.#read(rows[0]);
  }

  async findByUserCode(userCode: string): Promise<AdapterPayload | undefined> {
    const userCodes = this.#deps.payload.userCodes(userCode);
    const { rows } = await this.#deps.pool.query(statements.findByUserCode(this.#kind, userCodes));
    return this.#read(rows[0]);
  }

  /**
   * The engine checks `consumed` on what it read earlier, so two redemptions of one code can both pass that check.
   * The conditional update decides the race. The loser gets the RFC's error (RFC 6749 §4.1.2: a code MUST NOT be used
   * more than once), and a code used twice ends what it was exchanged for, whether the second use came late or at the
   * same moment. A refresh token sent twice at the same moment is a client with two tabs: the second use gets nothing,
   * and the first keeps what it got. A second use that *arrives* after the first one took effect is the theft that
   * RFC 9700 §4.14.2 is about; `find` tells the engine of it, and the engine revokes the family.
   */
  async consume(id: string): Promise<void> {
    const { rowCount } = await this.#deps.pool.query(statements.consume(this.keyOf(id)));
    if (rowCount === 1) {
      return;
    }
    if (this.#kind === 'AuthorizationCode') {
      await this.#deps.pool.query(statements.revokeGrantOf(this.keyOf(id)));
    }
    throw this.#kind === 'PushedAuthorizationRequest'
      ? new errors.InvalidRequestUri('request_uri was already used')
      : new errors.InvalidGrant('already consumed');
  }

  async destroy(id: string): Promise<void> {
    await this.#deps.pool.query(statements.destroy(this.keyOf(id)));
  }

  /**
   * The engine asks once for each kind, in the same turn; one statement ends them all. Who asks later gets a statement
   * of its own: one that runs already does not see what was saved since it began.
   */
  async revokeByGrantId(grantId: string): Promise<void> {
    const key = this.#deps.payload.keyOf('Grant', grantId);
    let revocation = this.#revocations.get(key);
    if (revocation === undefined) {
      revocation = this.#deps.pool.query(statements.revokeByGrantId(key)).then(() => {});
      this.#revocations.set(key, revocation);
      queueMicrotask(() => this.#revocations.delete(key));
    }
    await revocation;
  }

  protected keyOf(id: string): string {
    return this.#deps.payload.keyOf(this.#kind, id);
  }

  protected row(id: string, payload: AdapterPayload): ArtifactRow {
    return this.#deps.payload.toRow(this.#kind, id, payload);
  }

  protected get pool(): Pick<Pool, 'query'> {
    return this.#deps.pool;
  }

  #read(row: statements.FoundArtifact | undefined, id?: string): AdapterPayload | undefined {
    const payload = row && this.#deps.payload.fromRow(this.#kind, id, row.payload);
    if (payload && row.consumed_at !== null && (this.#kind !== 'RefreshToken' || row.consumed_before)) {
      payload.consumed = Math.floor(row.consumed_at.getTime() / 1000);
    }
    return payload;
  }
}
