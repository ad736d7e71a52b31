import type { AdapterPayload } from 'oidc-provider';
import { ArtifactAdapter } from './artifact-adapter.ts';
import * as statements from './artifact-statements.ts';

/**
 * A consent reads the grant, adds to it and saves it whole. Were a revocation in between to leave nothing behind, that
 * would bring everything back that was consented to before; so a grant that has ended is kept for a while as ended,
 * and saving it does not change that.
 */
export class GrantAdapter extends ArtifactAdapter {
  override async find(id: string): Promise<AdapterPayload | undefined> {
    const payload = await super.find(id);
    return payload?.consumed === undefined ? payload : undefined;
  }

  override async destroy(id: string): Promise<void> {
    await this.pool.query(statements.endGrant(this.keyOf(id)));
  }
}
