import { randomUUID } from 'node:crypto';
import type { AdapterPayload } from 'oidc-provider';
import { describe, expect, it } from 'vitest';
import type { CreateNode } from './artifacts.contract.ts';

/** The part of the artifact store's contract that is about sessions: see artifacts.contract.ts. */
export function describeSessions(createNode: CreateNode): void {
  /** The sessions as one request sees them: an adapter of its own node, bound to that request. */
  const inRequest = () => {
    const request: { identity: object; age: number; replacedSessionId?: string } = { identity: {}, age: 0 };
    const adapter = createNode({ currentRequest: () => request }).adapter('Session');
    return Object.assign(adapter, {
      /** What the engine does to give a session another id. */
      async replace(id: string, newId: string, payload: AdapterPayload) {
        request.replacedSessionId = id;
        await adapter.destroy(id);
        await adapter.upsert(newId, payload, 60);
      },
    });
  };

  const signedIn = async () => {
    const [id, uid] = [randomUUID(), randomUUID()];
    const payload = { uid, accountId: 'alice' };
    await inRequest().upsert(id, payload, 60);
    return { id, uid, payload };
  };

  describe('a session', () => {
    it('is found by its uid under the id that it has by now, which is not told', async () => {
      const { id, uid, payload } = await signedIn();
      const request = inRequest();
      expect(await request.findByUid(uid)).toEqual(payload);
      await request.find(id);
      await request.replace(id, randomUUID(), { uid, accountId: 'bob' });
      expect(await inRequest().findByUid(uid)).toEqual({ uid, accountId: 'bob' });
    });

    it('keeps what it remembers of a sign-out under way, and loses it to nobody', async () => {
      const { id, payload } = await signedIn();
      const state = { secret: 'xsrf', postLogoutRedirectUri: 'https://shop.example/', clientId: 'shop' };
      await inRequest().upsert(id, { ...payload, state }, 60);
      expect(await inRequest().find(id)).toEqual({ ...payload, state, jti: id });
      await inRequest().upsert(id, payload, 60);
      expect(await inRequest().find(id)).toEqual({ ...payload, jti: id });
    });

    it('C67: stays ended when a request that was under way saves it again', async () => {
      const { id, payload } = await signedIn();
      const [late, signOut] = [inRequest(), inRequest()];
      await Promise.all([late.find(id), signOut.find(id)]);
      await signOut.destroy(id);
      await late.upsert(id, { ...payload, authorizations: {} }, 60);
      expect(await inRequest().find(id)).toBeUndefined();
      expect(await inRequest().findByUid(payload.uid)).toBeUndefined();
    });

    it('C67: stays ended when a request that was under way gives it a new id', async () => {
      const { id, payload } = await signedIn();
      const [late, signOut] = [inRequest(), inRequest()];
      await Promise.all([late.find(id), signOut.find(id)]);
      await signOut.destroy(id);
      const newId = randomUUID();
      await late.replace(id, newId, payload);
      expect(await inRequest().find(newId)).toBeUndefined();
    });

    it('C50: ends under the id that it was given while the sign-out was under way', async () => {
      const { id, uid, payload } = await signedIn();
      const [visit, signOut] = [inRequest(), inRequest()];
      await Promise.all([visit.find(id), signOut.find(id)]);
      const newId = randomUUID();
      await visit.replace(id, newId, payload);
      await signOut.destroy(id);
      expect(await inRequest().find(newId)).toBeUndefined();
      expect(await inRequest().findByUid(uid)).toBeUndefined();
    });

    it('C50: ends whatever the moment at which it is given another id', async () => {
      for (let round = 0; round < 20; round += 1) {
        const { id, uid, payload } = await signedIn();
        const [visit, signOut] = [inRequest(), inRequest()];
        await Promise.all([visit.find(id), signOut.find(id)]);
        await Promise.all([visit.replace(id, randomUUID(), payload), signOut.destroy(id)]);
        expect(await inRequest().findByUid(uid)).toBeUndefined();
      }
    });

    it('is saved again under the id that this very request gave it', async () => {
      const { id, uid, payload } = await signedIn();
      const request = inRequest();
      const newId = randomUUID();
      await request.find(id);
      await request.replace(id, newId, payload);
      await request.replace(id, newId, { uid, accountId: 'bob' });
      expect(await inRequest().find(newId)).toEqual({ uid, accountId: 'bob', jti: newId });
      expect(await inRequest().find(id)).toBeUndefined();
    });

    it('C47: gets one new id when two requests give it one at the same moment', async () => {
      const { id, uid, payload } = await signedIn();
      const requests = [inRequest(), inRequest()];
      const newIds = [randomUUID(), randomUUID()];
      await Promise.all(requests.map((request) => request.find(id)));
      await Promise.all(requests.map((request, index) => request.replace(id, newIds[index] ?? '', payload)));
      const found = await Promise.all([id, ...newIds].map((one) => inRequest().find(one)));
      expect(found.filter((one) => one !== undefined)).toHaveLength(1);
      expect(found[0]).toBeUndefined();
      expect(await inRequest().findByUid(uid)).toBeDefined();
    });

    it('is saved by a request that never saw it: one that a browser just began', async () => {
      const { id, payload } = await signedIn();
      expect(await inRequest().find(id)).toEqual({ ...payload, jti: id });
    });

    it('C47: begins under a new id where the browser came with one that is unknown', async () => {
      const request = inRequest();
      const [unknown, id, uid] = [randomUUID(), randomUUID(), randomUUID()];
      await request.find(unknown);
      await request.replace(unknown, id, { uid });
      expect(await inRequest().find(id)).toEqual({ uid, jti: id });
    });

    it('ends for the request that ended it, which may begin another', async () => {
      const { id } = await signedIn();
      const request = inRequest();
      await request.find(id);
      await request.destroy(id);
      const next = { id: randomUUID(), payload: { uid: randomUUID() } };
      await request.upsert(next.id, next.payload, 60);
      expect(await inRequest().find(next.id)).toEqual({ ...next.payload, jti: next.id });
      expect(await inRequest().find(id)).toBeUndefined();
    });

    it('is plainly saved and ended by what is no request: a job, a command', async () => {
      const sessions = createNode().adapter('Session');
      const [id, uid] = [randomUUID(), randomUUID()];
      await sessions.upsert(id, { uid }, 60);
      await sessions.find(id);
      await sessions.destroy(id);
      await sessions.destroy(id);
      await sessions.upsert(id, { uid }, 60);
      expect(await sessions.find(id)).toBeDefined();
    });
  });
}
