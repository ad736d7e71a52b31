import type { AdapterPayload } from 'oidc-provider';
import { mergeGrants } from '../grants/merge-grant.ts';
import { ArtifactAdapter } from './artifact-adapter.ts';
import type { FoundArtifact } from './artifact-statements.ts';
import { replaceGrants } from './grant-statements.ts';
import { take } from './request-memory.ts';
import { endGrant } from './revocation-statements.ts';

const MOST_ATTEMPTS = 5;

/**
 * A consent reads the grant, adds to it and saves it whole. Were a revocation in between to leave nothing behind, that
 * would bring everything back that was consented to before; so a grant that has ended is kept for a while as ended,
 * and saving it does not change that. Nor does it undo what another consent has added meanwhile, or the account holder taken
 * away: a grant that this request has found is saved over that state only, or else merged with what is there by then.
 */
export class GrantAdapter extends ArtifactAdapter {
  override async upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    const key = this.keyOf(id);
    const memory = this.deps.memory();
    const former = memory?.foundGrants.get(key);
    memory?.grants.delete(key);
    if (former === undefined) {
      await super.upsert(id, payload, expiresIn);
      return;
    }
    const saved = await this.#replace(key, former, this.row(id, payload).payload);
    memory?.foundGrants.set(key, saved);
  }

  override async find(id: string): Promise<AdapterPayload | undefined> {
    const key = this.keyOf(id);
    const memory = this.deps.memory();
    const known = take(memory?.grants, key);
    const row = known === undefined ? await this.deps.artifacts.find(key) : aliveRow(known.value);
    if (row === undefined || row.consumed_at !== null) {
      return undefined;
    }
    memory?.foundGrants.set(key, row.payload);
    return this.read(row, id);
  }

  override async destroy(id: string): Promise<void> {
    this.deps.memory()?.grants.delete(this.keyOf(id));
    await this.deps.pool.query(endGrant(this.keyOf(id)));
  }

  /** Returns what is there afterwards. */
  async #replace(key: string, former: string, mine: string): Promise<string> {
    let [expected, payload] = [former, mine];
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
      const { exp } = JSON.parse(payload);
      const { rowCount } = await this.deps.pool.query(replaceGrants([{ key, former: expected, payload, exp }]));
      if (rowCount === 1) {
        return payload;
      }
      const current = await this.deps.artifacts.find(key);
      if (current === undefined || current.consumed_at !== null) {
        return mine; // It has ended, and stays so.
      }
      expected = current.payload;
      payload = JSON.stringify(mergeGrants(JSON.parse(former), JSON.parse(expected), JSON.parse(mine)));
    }
    throw new Error('a grant changes faster than it can be saved');
  }
}

function aliveRow(payload: string | undefined): FoundArtifact | undefined {
  return payload === undefined ? undefined : { payload, consumed_at: null };
}
