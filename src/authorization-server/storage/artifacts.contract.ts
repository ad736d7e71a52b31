/**
 * What the engine and the flows may rely on, whatever keeps the artifacts. Every test has ids of its own, so all of
 * them share one store, and several nodes at once use it.
 */
import { randomUUID } from 'node:crypto';
import { type AdapterPayload, errors } from 'oidc-provider';
import { describe, expect, it } from 'vitest';
import type { ArtifactStore } from './artifacts.ts';
import { describeConsuming } from './consuming.contract.ts';
import { describeInteractions } from './interactions.contract.ts';
import type { RequestInProgress } from './request-memory.ts';
import { describeRevoking } from './revoking.contract.ts';
import { describeSessions } from './sessions.contract.ts';

export interface NodeOptions {
  readonly currentRequest?: () => RequestInProgress | undefined;
  /** What `CONCIERGE_SECRET` lists on this node. */
  readonly secrets?: readonly string[];
}

/** One more node, with connections of its own, at the one place where everything is kept. */
export type CreateNode = (options?: NodeOptions) => ArtifactStore;

export function describeArtifactStore(name: string, createNode: CreateNode): void {
  describe(name, () => {
    describeSaving(createNode);
    describeConsuming(createNode);
    describeRevoking(createNode);
    describeFindingByUserCode(createNode);
    describeInteractions(createNode);
    describeSessions(createNode);
    describeRubbish(createNode);
  });
}

function describeSaving(createNode: CreateNode): void {
  describe('saving', () => {
    it('C110: shows every node what another node was told is saved', async () => {
      const id = randomUUID();
      const payload = { grantId: 'g', clientId: 'shop', accountId: 'alice', scope: 'openid', exp: 1_900_000_000 };
      await createNode().adapter('AccessToken').upsert(id, payload, 60);
      expect(await createNode().adapter('AccessToken').find(id)).toEqual({ ...payload, jti: id });
    });

    it('replaces everything that was saved under an id before, a lifetime or none at all alike', async () => {
      const grants = createNode().adapter('Grant');
      const id = randomUUID();
      await grants.upsert(id, { clientId: 'shop', accountId: 'alice' }, 60);
      await grants.upsert(id, { clientId: 'shop', openid: { scope: 'openid' } });
      expect(await grants.find(id)).toEqual({ clientId: 'shop', openid: { scope: 'openid' }, jti: id });
    });

    it('finds and ends by what was saved last, and no longer by what was saved before', async () => {
      const store = createNode();
      const codes = store.adapter('DeviceCode');
      const [id, before, after] = [randomUUID(), randomUUID(), randomUUID()];
      const payloadOf = (one: string) => ({ uid: one, userCode: one, grantId: one, accountId: one, clientId: one });
      await codes.upsert(id, payloadOf(before), 60);
      await codes.upsert(id, payloadOf(after), 60);
      await codes.revokeByGrantId(before);
      await store.revokeByAccountId(before);
      await store.revokeByClientId(before);
      expect([await codes.findByUid(before), await codes.findByUserCode(before)]).toEqual([undefined, undefined]);
      expect(await codes.findByUid(after)).toMatchObject({ uid: after });
      expect(await codes.findByUserCode(after)).toMatchObject({ uid: after });
      for (const end of [
        () => codes.revokeByGrantId(after),
        () => store.revokeByAccountId(after),
        () => store.revokeByClientId(after),
      ]) {
        await codes.upsert(id, payloadOf(before), 60);
        await codes.upsert(id, payloadOf(after), 60);
        await end();
        expect(await codes.find(id)).toBeUndefined();
      }
    });

    it('keeps one row for an id that is saved many times at once', async () => {
      const grants = [createNode().adapter('Grant'), createNode().adapter('Grant')];
      const id = randomUUID();
      await Promise.all(Array.from({ length: 30 }, (_, n) => grants[n % 2]?.upsert(id, { clientId: `shop-${n}` }, 60)));
      expect((await grants[0]?.find(id))?.clientId).toMatch(/^shop-\d+$/);
      await grants[0]?.destroy(id);
      expect(await grants[1]?.find(id)).toBeUndefined();
    });

    it('keeps kinds apart: an id of one kind is unknown in every other', async () => {
      const node = createNode();
      const id = randomUUID();
      await node.adapter('RefreshToken').upsert(id, { clientId: 'shop' }, 60);
      expect(await node.adapter('AccessToken').find(id)).toBeUndefined();
      await node.adapter('AccessToken').destroy(id);
      expect(await node.adapter('RefreshToken').find(id)).toBeDefined();
    });

    it.each(['AccessToken', 'Interaction', 'Session'])(
      'gives back NULs, lone surrogates and a megabyte in a %s',
      async (kind) => {
        const id = `id-\0-\ud800-${randomUUID()}`;
        const payload = { params: { state: 'a\0b', nonce: '\udfff🛎\ud800', long: 'é'.repeat(500_000) }, '\0': ['\0'] };
        const adapter = createNode().adapter(kind);
        await adapter.upsert(id, { ...payload, jti: id } as AdapterPayload, 60);
        expect(await adapter.find(id)).toEqual({ ...payload, jti: id });
      },
    );

    it('gives an interaction only to who has its id, and nothing to a node that has another secret', async () => {
      const id = randomUUID();
      const interaction = { jti: id, uid: id, returnTo: '/auth/1' };
      await createNode().adapter('Interaction').upsert(id, interaction, 60);
      expect(await createNode().adapter('Interaction').find(id)).toEqual(interaction);
      expect(await createNode().adapter('Interaction').findByUid(id)).toBeUndefined();
      expect(
        await createNode({ secrets: ['another'] })
          .adapter('Interaction')
          .find(id),
      ).toBeUndefined();
    });
  });
}

function describeFindingByUserCode(createNode: CreateNode): void {
  const [OLD, NEW] = ['the secret of last year', 'the secret of this year'];

  describe.each(['DeviceCode', 'BackchannelAuthenticationRequest'])('a %s found by its user code', (kind) => {
    it('has its id, so that saving it again changes what the device polls', async () => {
      const codes = createNode().adapter(kind);
      const [id, userCode] = [randomUUID(), randomUUID()];
      const code = { jti: id, userCode, clientId: 'tv', params: { scope: 'openid' } };
      await codes.upsert(id, code, 60);
      const found = await codes.findByUserCode(userCode);
      expect(found).toEqual(code);
      await codes.upsert(found?.jti ?? '', { ...found, accountId: 'alice' }, 60);
      expect(await codes.find(id)).toMatchObject({ jti: id, userCode, accountId: 'alice' });
    });

    it('is found after the secret was replaced, as long as the old one is listed', async () => {
      const [id, userCode] = [randomUUID(), randomUUID()];
      await createNode({ secrets: [OLD] })
        .adapter(kind)
        .upsert(id, { jti: id, userCode }, 60);
      expect(
        await createNode({ secrets: [NEW, OLD] })
          .adapter(kind)
          .findByUserCode(userCode),
      ).toEqual({ jti: id, userCode });
      expect(
        await createNode({ secrets: [NEW] })
          .adapter(kind)
          .findByUserCode(userCode),
      ).toBeUndefined();
      expect(
        await createNode({ secrets: [NEW] })
          .adapter(kind)
          .find(id),
      ).toBeUndefined();
    });
  });
}

function describeRubbish(createNode: CreateNode): void {
  const RUBBISH = [
    '',
    '\0',
    'a\0b',
    '\ud800',
    '__proto__',
    `'; drop table artifacts; --`,
    '../../etc/passwd',
    'x'.repeat(1_000_000),
  ];

  describe.each(RUBBISH.map((id) => [JSON.stringify(id.slice(0, 20)), id] as const))('C100: an id like %s', (_, id) => {
    it.each(['AccessToken', 'AuthorizationCode', 'Session', 'Interaction', 'DeviceCode'])(
      'finds no %s, and does no harm',
      async (kind) => {
        const store = createNode();
        const adapter = store.adapter(kind);
        expect(await adapter.find(id)).toBeUndefined();
        expect(await adapter.findByUid(id)).toBeUndefined();
        expect(await adapter.findByUserCode(id)).toBeUndefined();
        await expect(adapter.consume(id)).rejects.toBeInstanceOf(errors.InvalidGrant);
        if (kind === 'Interaction') {
          await expect(adapter.destroy(id)).rejects.toBeInstanceOf(errors.SessionNotFound);
        } else {
          await adapter.destroy(id);
        }
        await adapter.revokeByGrantId(id);
      },
    );
  });
}
