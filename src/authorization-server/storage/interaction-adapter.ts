import { type AdapterPayload, errors } from 'oidc-provider';
import { ArtifactAdapter } from './artifact-adapter.ts';
import { rememberAccount, take } from './request-memory.ts';

/**
 * A sign-in has one outcome, however often and at however many nodes the browser sends its answer. The engine reads an
 * interaction, saves the answer into it, reads it again when the browser comes back, destroys it and goes on with what
 * it has read: so an answer is saved only while the interaction is there, and of several that come back at once the one
 * goes on whose delete found it.
 */
export class InteractionAdapter extends ArtifactAdapter {
  /** With whom and what it concerns. A page asks twice, when it looks and when it answers: the second time is about the same. */
  override async find(id: string): Promise<AdapterPayload | undefined> {
    const memory = this.deps.memory();
    const key = this.keyOf(id);
    const row = take(memory?.interactions, key)?.value ?? (await this.deps.artifacts.findWithAccount(key));
    if (memory !== undefined && row !== undefined) {
      memory.interactions.set(key, row);
      rememberAccount(memory, row);
    }
    return this.read(row, id);
  }

  override async upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    this.deps.memory()?.interactions.delete(this.keyOf(id));
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
