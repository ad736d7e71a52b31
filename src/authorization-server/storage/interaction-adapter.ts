import { type AdapterPayload, errors } from 'oidc-provider';
import { ArtifactAdapter } from './artifact-adapter.ts';

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
    const row = this.row(id, payload);
    requireFound(await this.deps.artifacts.update({ row, expiresIn: expiresIn ?? null, formerKey: row.key }));
  }

  override async destroy(id: string): Promise<void> {
    requireFound(await this.deps.artifacts.destroy(this.keyOf(id)));
  }
}

function requireFound(found: boolean): void {
  if (!found) {
    throw new errors.SessionNotFound('the interaction was answered already');
  }
}
