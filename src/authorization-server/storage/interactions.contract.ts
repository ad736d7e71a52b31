import { randomUUID } from 'node:crypto';
import { type AdapterPayload, errors } from 'oidc-provider';
import { describe, expect, it } from 'vitest';
import type { CreateNode } from './artifacts.contract.ts';

const ANSWERED = { result: { login: { accountId: 'alice' } } } as AdapterPayload;

/** The part of the artifact store's contract that is about interactions: see artifacts.contract.ts. */
export function describeInteractions(createNode: CreateNode): void {
  const onNode = () => createNode().adapter('Interaction');

  describe('an interaction', () => {
    it('C52: is destroyed by exactly one of many at once, on any number of nodes', async () => {
      const id = randomUUID();
      await onNode().upsert(id, {}, 60);
      const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => onNode().destroy(id)));
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      for (const outcome of outcomes) {
        expect(outcome.status === 'fulfilled' || outcome.reason instanceof errors.SessionNotFound).toBe(true);
      }
    });

    it('C52: that was destroyed is not brought back by an answer that came late', async () => {
      const id = randomUUID();
      await onNode().upsert(id, {}, 60);
      await onNode().upsert(id, ANSWERED, 60);
      expect(await onNode().find(id)).toMatchObject(ANSWERED);
      await onNode().destroy(id);
      await expect(onNode().upsert(id, ANSWERED, 60)).rejects.toBeInstanceOf(errors.SessionNotFound);
      expect(await onNode().find(id)).toBeUndefined();
    });
  });
}
