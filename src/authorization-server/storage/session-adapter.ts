import type { AdapterPayload } from 'oidc-provider';
import { ArtifactAdapter } from './artifact-adapter.ts';
import { sightingBy } from './browser-sessions.ts';
import { type FoundSession, rememberAccount, take } from './request-memory.ts';
import { endSession } from './revocation-statements.ts';

/**
 * Sessions are saved again on every visit, and the engine writes the whole row: a request that was under way while the
 * person signed out would bring the session back to life. So a session that this request found is only ever updated.
 * A new id, which the engine gives by ending the one and saving the other, is such an update too: there is no moment
 * at which a sign-out finds nothing to end. And what ends a session ends it under whatever id it has by then.
 *
 * Beside the payload stands from where it was saved, for the person whose session it is (browser-sessions.ts).
 */
export class SessionAdapter extends ArtifactAdapter {
  override async find(id: string): Promise<AdapterPayload | undefined> {
    const row = await this.deps.artifacts.findWithAccount(this.keyOf(id));
    const payload = this.read(row, id);
    const memory = this.deps.memory();
    if (row !== undefined && memory !== undefined) {
      rememberAccount(memory, row);
    }
    if (payload) {
      memory?.foundSessions.set(this.keyOf(id), foundSession(payload));
    }
    return payload;
  }

  override async findByUid(uid: string): Promise<AdapterPayload | undefined> {
    const known = take(this.deps.memory()?.sessions, uid);
    if (known !== undefined) {
      return known.value === undefined ? undefined : this.read({ payload: known.value, consumed_at: null });
    }
    return super.findByUid(uid);
  }

  override async upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    const row = this.row(id, payload);
    const seen = payload.accountId === undefined ? undefined : sightingBy(this.deps.currentRequest()?.origin);
    const found = this.deps.memory()?.foundSessions;
    const formerId = this.deps.currentRequest()?.replacedSessionId;
    const former = [row.key, ...(formerId === undefined ? [] : [this.keyOf(formerId)])].find((key) => found?.has(key));
    if (former === undefined) {
      await this.deps.artifacts.upsert({ row, expiresIn: expiresIn ?? null, seen });
      return;
    }
    const now = foundSession(payload);
    const isAnother = isAnotherThan(found?.get(former), now);
    await this.deps.artifacts.update({ row, expiresIn: expiresIn ?? null, formerKey: former, seen, isAnother });
    found?.delete(former);
    found?.set(row.key, now);
  }

  override async destroy(id: string): Promise<void> {
    if (id !== this.deps.currentRequest()?.replacedSessionId) {
      const key = this.keyOf(id);
      await this.deps.pool.query(endSession(key, this.deps.memory()?.foundSessions.get(key)?.uid));
      this.deps.memory()?.foundSessions.delete(key);
    }
  }
}

function foundSession({ uid, accountId, authorizations = {} }: AdapterPayload): FoundSession {
  const grants = Object.entries(authorizations).map(([clientId, { grantId }]) => [clientId, grantId]);
  return { uid, accountId, grantIds: Object.fromEntries(grants) };
}

/** The engine takes a token that ends with a session for ended when that has another account, or another grant for its client. */
function isAnotherThan(former: FoundSession | undefined, now: FoundSession): boolean {
  return (
    former?.accountId !== undefined &&
    (former.accountId !== now.accountId ||
      Object.entries(former.grantIds).some(
        ([clientId, grantId]) => grantId !== undefined && now.grantIds[clientId] !== grantId,
      ))
  );
}
