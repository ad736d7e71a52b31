import { type AdapterPayload, errors } from 'oidc-provider';
import type { Substitutes } from './redemption.ts';
import { revokeGrantOf } from './revocation-statements.ts';
import type { Successors } from './rotation.ts';
import { TokenAdapter } from './token-adapter.ts';
import { fromTokenRow, placeOf } from './token-payload.ts';
import type { FoundToken } from './token-statements.ts';

/** Who takes longer to send a request did not send it at the same time: it may have been held open to wait for a use. */
const LONGEST_ARRIVAL_MS = 5_000;

/**
 * Refresh tokens, of which a second use is not always a replay: rotation.ts says why, and this when. A refresh finds a
 * used token as if it were unused while it may be told the same again; everyone else sees that it is used, and where a
 * refresh sees that, the engine ends the family.
 */
export class RefreshTokenAdapter extends TokenAdapter {
  override async consume(id: string): Promise<void> {
    if (this.deps.memory()?.successors.has('RefreshToken')) {
      return; // A retry, as `find` has seen.
    }
    const { rotation } = this.deps;
    const drawn = await rotation.draw(this.#asksFor() ?? '');
    const successors = rotation.graceMs > 0 ? rotation.seal(id, drawn) : null;
    this.#expect(drawn);
    await this.use({ ...placeOf(id), kind: this.kind, successors }, () => this.#tellTheSame(id, drawn));
  }

  /**
   * The engine asks for this, and then for the end of all that came of the grant. In between this node may die, or the database
   * refuse, and whoever asked would ask again: about a token that nobody knows any more. So all of it ends in one statement.
   */
  override async destroy(id: string): Promise<void> {
    const place = placeOf(id);
    this.deps.memory()?.tokens.delete(place.key);
    await this.deps.pool.query(revokeGrantOf(place));
  }

  /** Another request with this token was first: what that one was told is told here as well. */
  async #tellTheSame(id: string, drawn: Successors): Promise<Substitutes> {
    const { rotation } = this.deps;
    const row = await this.read(id);
    const written = row && this.#mayBeRetry(row) ? rotation.open(id, row.successors) : undefined;
    const isTheSame = written !== undefined && rotation.isFor(written, this.#asksFor() ?? '');
    if (!isTheSame || (await this.#isUsed(written))) {
      throw new errors.InvalidGrant('already consumed');
    }
    return new Map([
      [drawn.refreshToken, written.refreshToken],
      [drawn.accessToken, written.accessToken],
    ]);
  }

  protected override async toPayload(id: string, row: FoundToken): Promise<AdapterPayload> {
    if (row.consumed_ago === null) {
      return super.toPayload(id, row);
    }
    // Both are durations, so the clocks of node and database need not agree. The age is that of now, with the answer at
    // hand: a use is never taken for one that came later than it did.
    const age = Math.min(this.deps.currentRequest()?.age ?? 0, LONGEST_ARRIVAL_MS);
    const cameFirst = this.#asksFor() !== undefined && row.consumed_ago < age;
    return cameFirst || (await this.#isRetry(id, row)) ? fromTokenRow(id, row) : super.toPayload(id, row);
  }

  /** Is its successor still unused? Then whoever presents it may have lost it. */
  async #isRetry(id: string, row: FoundToken): Promise<boolean> {
    const successors = this.#mayBeRetry(row) ? this.deps.rotation.open(id, row.successors) : undefined;
    if (successors === undefined || (await this.#isUsed(successors))) {
      return false;
    }
    if (this.deps.rotation.isFor(successors, this.#asksFor() ?? '')) {
      this.#expect(successors);
    }
    return true;
  }

  #mayBeRetry({ consumed_ago }: FoundToken): boolean {
    return this.#asksFor() !== undefined && consumed_ago !== null && consumed_ago <= this.deps.rotation.graceMs;
  }

  /** One that is not there is not: who drew it died before saving it, and the retry makes up for that. */
  async #isUsed({ refreshToken }: Successors): Promise<boolean> {
    const row = await this.deps.tokens.find(placeOf(refreshToken));
    return row !== undefined && row.consumed_at !== null;
  }

  /** The tokens that this request is about to save get these ids: see `createTokenId` of the store. */
  #expect({ refreshToken, accessToken }: Successors): void {
    const expected = this.deps.memory()?.successors;
    expected?.set('RefreshToken', refreshToken);
    expected?.set('AccessToken', accessToken);
  }

  /** `undefined` where the request is no refresh. */
  #asksFor(): string | undefined {
    return this.deps.currentRequest()?.asksFor;
  }
}
