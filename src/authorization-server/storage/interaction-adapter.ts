import { type AdapterPayload, errors } from 'oidc-provider';
import { ArtifactAdapter } from './artifact-adapter.ts';
import * as statements from './artifact-statements.ts';

/**
 * A sign-in has one outcome, however often and at however many nodes the browser sends its answer. The engine reads an
 * interaction, saves the answer into it, reads it again when the browser comes back, destroys it and goes on with what
 * it has read: so an answer is saved only while the interaction is there, and of several that come back at once the one
 * goes on whose delete found it.
 */
export class InteractionAdapter extends ArtifactAdapter {
  override async upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    if (payload.result === undefined) {
      return super.upsert(id, payload, expiresIn);
    }
    const { rowCount } = await this.pool.query(statements.update(this.row(id, payload), expiresIn ?? null));
    requireOne(rowCount);
  }

  override async destroy(id: string): Promise<void> {
    const { rowCount } = await this.pool.query(statements.destroy(this.keyOf(id)));
    requireOne(rowCount);
  }
}

function requireOne(rowCount: number | null): void {
  if (rowCount !== 1) {
    throw new errors.SessionNotFound('the interaction was answered already');
  }
}
