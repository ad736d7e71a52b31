import type { AdapterPayload } from 'oidc-provider';
import { ArtifactAdapter } from './artifact-adapter.ts';
import { take } from './request-memory.ts';
import { endGrant } from './revocation-statements.ts';

/**
 * A consent reads the grant, adds to it and saves it whole. Were a revocation in between to leave nothing behind, that
 * would bring everything back that was consented to before; so a grant that has ended is kept for a while as ended,
 * and saving it does not change that.
 */
export class GrantAdapter extends ArtifactAdapter {
  override async upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    this.deps.memory()?.grants.delete(this.keyOf(id));
    await super.upsert(id, payload, expiresIn);
  }

  override async find(id: string): Promise<AdapterPayload | undefined> {
    const known = take(this.deps.memory()?.grants, this.keyOf(id));
    if (known !== undefined) {
      return known.value === undefined ? undefined : this.read({ payload: known.value, consumed_at: null }, id);
    }
    const payload = await super.find(id);
    return payload?.consumed === undefined ? payload : undefined;
  }

  override async destroy(id: string): Promise<void> {
    this.deps.memory()?.grants.delete(this.keyOf(id));
    await this.deps.pool.query(endGrant(this.keyOf(id)));
  }
}
