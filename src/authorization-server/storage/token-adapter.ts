import { type Adapter, type AdapterPayload, errors } from 'oidc-provider';
import type { TokenAdapterDeps } from './adapter-deps.ts';
import type { UsedUp } from './redemption.ts';
import { type RequestMemory, rememberAccount } from './request-memory.ts';
import { revokeGrantOf } from './revocation-statements.ts';
import { fromTokenRow, placeOf, toTokenRow } from './token-payload.ts';
import type { Consumption, FoundToken } from './token-statements.ts';

/**
 * Tokens and codes for the engine. Guarantees beyond the obvious (artifacts.contract.ts tests each sentence): acknowledged
 * means committed; of any number of parallel `consume`s of one token exactly one succeeds; saving a token again never
 * makes it unused or valid again; what one read brings along (grant, session, account) is of the same moment as the token.
 */
export class TokenAdapter implements Adapter {
  protected readonly deps: TokenAdapterDeps;
  protected readonly kind: string;

  constructor(deps: TokenAdapterDeps, kind: string) {
    this.deps = deps;
    this.kind = kind;
  }

  async upsert(id: string, payload: AdapterPayload): Promise<void> {
    const { grantId } = payload;
    const grantKey = grantId === undefined ? null : this.deps.payload.keyOf('Grant', grantId);
    const row = toTokenRow(this.kind, id, payload, grantKey);
    const memory = this.deps.memory();
    memory?.tokens.delete(row.key);
    if (memory?.redemption === undefined) {
      await this.deps.tokens.insert(row);
    } else {
      memory.redemption.saved.push(row);
    }
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    const row = await this.read(id);
    return row && this.toPayload(id, row);
  }

  /** No token has one. */
  async findByUid(): Promise<undefined> {}

  /** Nor such a one. */
  async findByUserCode(): Promise<undefined> {}

  /**
   * The engine checks `consumed` on what it read earlier, so two redemptions of one code can both pass that check. The
   * conditional update decides the race. The loser gets the RFC's error, and what the code was exchanged for ends, whether
   * the second use came late or at the same moment (RFC 6749 §4.1.2: a code MUST NOT be used more than once).
   */
  async consume(id: string): Promise<void> {
    const place = placeOf(id);
    await this.use({ ...place, kind: this.kind, successors: null }, async () => {
      await this.deps.pool.query(revokeGrantOf(place));
      throw new errors.InvalidGrant('already consumed');
    });
  }

  async destroy(id: string): Promise<void> {
    const place = placeOf(id);
    this.deps.memory()?.tokens.delete(place.key);
    await this.deps.tokens.revoke({ ...place, kind: this.kind });
  }

  async revokeByGrantId(grantId: string): Promise<void> {
    await this.deps.revokeByGrantId(grantId);
  }

  /** At once, or with everything else of the redemption that is under way. */
  protected async use(token: Consumption, lost: UsedUp['lost']): Promise<void> {
    const memory = this.deps.memory();
    const redeem: UsedUp['redeem'] = (saved) => this.deps.tokens.redeem({ ...token, saved });
    memory?.tokens.delete(token.key);
    if (memory?.redemption !== undefined) {
      memory.redemption.used = { redeem, lost };
    } else if (!(await redeem([]))) {
      await lost();
      // Nobody is here who could tell something else instead.
      throw new errors.InvalidGrant('already consumed');
    }
  }

  protected toPayload(id: string, row: FoundToken): AdapterPayload | Promise<AdapterPayload> {
    const payload = fromTokenRow(id, row);
    if (this.kind === 'AccessToken') {
      return withinSession(payload, row);
    }
    return row.consumed_at === null ? payload : { ...payload, consumed: Math.floor(row.consumed_at) };
  }

  /** The row of this kind. The engine asks for one id under three kinds: the first answers for all of them. */
  protected async read(id: string): Promise<FoundToken | undefined> {
    const place = placeOf(id);
    const memory = this.deps.memory();
    const known = memory?.tokens.get(place.key);
    if (known !== undefined && !known.kinds.has(this.kind)) {
      known.kinds.add(this.kind);
      return this.#ofThisKind(await known.found);
    }
    const found = this.deps.tokens.find(place);
    memory?.tokens.set(place.key, { found, kinds: new Set([this.kind]) });
    const row = await found;
    if (row !== undefined && memory !== undefined) {
      this.#remember(memory, row);
    }
    return this.#ofThisKind(row);
  }

  #ofThisKind(row: FoundToken | undefined): FoundToken | undefined {
    return row?.kind === this.kind ? row : undefined;
  }

  #remember(memory: RequestMemory, row: FoundToken): void {
    if (row.grant_id !== null) {
      memory.grants.set(row.grant_id.replaceAll('-', ''), row.grant_payload ?? undefined);
    }
    rememberAccount(memory, row);
  }
}

/** So that nobody who is told when a token ends takes it for longer-lived than the session that it ends with. */
function withinSession(payload: AdapterPayload, { session_payload }: FoundToken): AdapterPayload {
  if (!payload.expiresWithSession || session_payload === null || payload.exp === undefined) {
    return payload;
  }
  const { exp = payload.exp } = JSON.parse(session_payload) as { exp?: number };
  return exp < payload.exp ? { ...payload, exp } : payload;
}
