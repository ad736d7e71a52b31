import { randomUUID } from 'node:crypto';
import { errors } from 'oidc-provider';
import { describe, expect, it } from 'vitest';
import type { CreateNode } from './artifacts.contract.ts';
import { saveFamily, WHOLE_FAMILY } from './revoking.contract.ts';

/** The part of the artifact store's contract that is about using something up: see artifacts.contract.ts. */
export function describeConsuming(createNode: CreateNode): void {
  describeConsume(createNode);
  describeFirstUse(createNode);
  describeRefreshTokenUsedTwice(createNode);
}

function describeFirstUse(createNode: CreateNode): void {
  describe('first use', () => {
    it('C46: is that of exactly one of 50 callers with an id over two nodes', async () => {
      const nodes = [createNode(), createNode()];
      const id = randomUUID();
      const outcomes = await Promise.all(Array.from({ length: 50 }, (_, n) => nodes[n % 2]?.firstUse(id, 60)));
      expect(outcomes.filter((isFirst) => isFirst)).toHaveLength(1);
      expect(await nodes[0]?.firstUse(randomUUID(), 60)).toBe(true);
    });

    it.each(['', '\0', '\ud800', 'x'.repeat(1_000_000)])('C100: is counted for an id like %.10j', async (odd) => {
      const id = `${randomUUID()}${odd}`;
      expect([await createNode().firstUse(id, -5), await createNode().firstUse(id, 60)]).toEqual([true, false]);
    });
  });
}

function describeConsume(createNode: CreateNode): void {
  describe('consuming', () => {
    it.each(['AuthorizationCode', 'RefreshToken', 'DeviceCode', 'PushedAuthorizationRequest'])(
      'C20: lets exactly one of 50 parallel consumes of a %s over two nodes win',
      async (kind) => {
        const adapters = [createNode().adapter(kind), createNode().adapter(kind)];
        const id = randomUUID();
        await adapters[0]?.upsert(id, { clientId: 'shop' }, 60);
        const outcomes = await Promise.allSettled(Array.from({ length: 50 }, (_, n) => adapters[n % 2]?.consume(id)));
        expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      },
    );

    it.each([
      ['AuthorizationCode', errors.InvalidGrant],
      ['RefreshToken', errors.InvalidGrant],
      ['DeviceCode', errors.InvalidGrant],
      ['PushedAuthorizationRequest', errors.InvalidRequestUri],
    ])('tells who consumes a used or unknown %s in the words of its RFC', async (kind, expected) => {
      const adapter = createNode().adapter(kind);
      const id = randomUUID();
      await expect(adapter.consume(id)).rejects.toBeInstanceOf(expected);
      await adapter.upsert(id, { clientId: 'shop' }, 60);
      await adapter.consume(id);
      await expect(adapter.consume(id)).rejects.toBeInstanceOf(expected);
    });

    it('says when an artifact was consumed, in whole seconds, and nothing of one that was not', async () => {
      const codes = createNode().adapter('AuthorizationCode');
      const id = randomUUID();
      await codes.upsert(id, { clientId: 'shop' }, 60);
      expect(await codes.find(id)).not.toHaveProperty('consumed');
      await codes.consume(id);
      const { consumed } = (await codes.find(id)) as { consumed: number };
      expect(consumed).toSatisfy(Number.isInteger);
      expect(Math.abs(Date.now() / 1000 - consumed)).toBeLessThan(60);
    });

    it.each(['DeviceCode', 'BackchannelAuthenticationRequest'])(
      'knows a %s no longer once it is used, however often it is saved again: who polls on ends nothing with that',
      async (kind) => {
        const adapter = createNode().adapter(kind);
        const [id, userCode] = [randomUUID(), randomUUID()];
        await adapter.upsert(id, { jti: id, userCode }, 60);
        await adapter.consume(id);
        await adapter.upsert(id, { jti: id, userCode }, 60);
        expect([await adapter.find(id), await adapter.findByUserCode(userCode)]).toEqual([undefined, undefined]);
        await expect(adapter.consume(id)).rejects.toBeInstanceOf(errors.InvalidGrant);
      },
    );

    it.each(['AuthorizationCode', 'RefreshToken'])(
      'C30: never makes a %s unconsumed by saving it again',
      async (kind) => {
        const adapter = createNode().adapter(kind);
        const id = randomUUID();
        await adapter.upsert(id, { clientId: 'shop' }, 60);
        await adapter.consume(id);
        await adapter.upsert(id, { clientId: 'shop' }, 60);
        expect(await adapter.find(id)).toHaveProperty('consumed');
        await expect(adapter.consume(id)).rejects.toThrow();
      },
    );

    it('C23: ends the grant of a code that is consumed twice, and all that came of it', async () => {
      const store = createNode();
      const family = await saveFamily(store);
      const other = await saveFamily(store);
      await store.adapter('AuthorizationCode').consume(family.codeId);
      expect(await family.left()).toEqual(WHOLE_FAMILY);
      await expect(store.adapter('AuthorizationCode').consume(family.codeId)).rejects.toBeInstanceOf(
        errors.InvalidGrant,
      );
      expect(await family.left()).toEqual([]);
      expect(await other.left()).toEqual(WHOLE_FAMILY);
    });

    it('takes nothing along when a code without a grant is consumed twice', async () => {
      const node = createNode();
      const [code, token] = [randomUUID(), randomUUID()];
      await node.adapter('ClientCredentials').upsert(token, { clientId: 'machine' }, 60);
      await node.adapter('AuthorizationCode').upsert(code, { clientId: 'shop' }, 60);
      await node.adapter('AuthorizationCode').consume(code);
      await expect(node.adapter('AuthorizationCode').consume(code)).rejects.toThrow();
      expect(await node.adapter('ClientCredentials').find(token)).toBeDefined();
    });
  });
}

function describeRefreshTokenUsedTwice(createNode: CreateNode): void {
  const arrived = (age: number) =>
    createNode({ currentRequest: () => ({ identity: {}, age, asksFor: '[]' }) }).adapter('RefreshToken');

  describe('a refresh token used twice', () => {
    it('C27: keeps its family when both uses came at once', async () => {
      const store = createNode();
      const grantId = randomUUID();
      const [id, accessToken] = [randomUUID(), randomUUID()];
      await store.adapter('Grant').upsert(grantId, { clientId: 'shop' }, 60);
      await store.adapter('AccessToken').upsert(accessToken, { grantId }, 60);
      await store.adapter('RefreshToken').upsert(id, { grantId }, 60);
      await Promise.allSettled([store.adapter('RefreshToken').consume(id), store.adapter('RefreshToken').consume(id)]);
      expect(await store.adapter('AccessToken').find(accessToken)).toBeDefined();
      expect(await store.adapter('Grant').find(grantId)).toBeDefined();
    });

    it('C27: looks unused to a request that was here before the first use, and used to a later one', async () => {
      const id = randomUUID();
      await createNode().adapter('RefreshToken').upsert(id, { clientId: 'shop' }, 60);
      await createNode().adapter('RefreshToken').consume(id);
      expect(await arrived(60_000).find(id)).not.toHaveProperty('consumed');
      await expect(arrived(60_000).consume(id)).rejects.toBeInstanceOf(errors.InvalidGrant);
      expect(await arrived(0).find(id)).toHaveProperty('consumed');
      expect(await createNode().adapter('RefreshToken').find(id)).toHaveProperty('consumed');
    });

    it('C37: looks used to whoever only asks about it, however long that takes', async () => {
      const [id, node] = [randomUUID(), createNode({ currentRequest: () => ({ identity: {}, age: 60_000 }) })];
      await createNode().adapter('RefreshToken').upsert(id, { clientId: 'shop' }, 60);
      await createNode().adapter('RefreshToken').consume(id);
      expect(await node.adapter('RefreshToken').find(id)).toHaveProperty('consumed');
    });

    it('is the only kind of which that is so: a used code is used, whenever the request came', async () => {
      const codes = createNode({ currentRequest: () => ({ identity: {}, age: 60_000 }) }).adapter('AuthorizationCode');
      const id = randomUUID();
      await codes.upsert(id, { clientId: 'shop' }, 60);
      await codes.consume(id);
      expect(await codes.find(id)).toHaveProperty('consumed');
    });
  });
}
