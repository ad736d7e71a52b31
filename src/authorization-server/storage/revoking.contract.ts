import { randomUUID } from 'node:crypto';
import { errors } from 'oidc-provider';
import { describe, expect, it } from 'vitest';
import type { CreateNode } from './artifacts.contract.ts';
import type { ArtifactStore } from './artifacts.ts';

type Family = Awaited<ReturnType<typeof saveFamily>>;

export const WHOLE_FAMILY = ['Grant', 'AuthorizationCode', 'AccessToken', 'RefreshToken', 'DeviceCode'];

/** Everything that a grant brings about, under a grant of its own. */
export async function saveFamily(store: ArtifactStore) {
  const [grantId, clientId, accountId] = [randomUUID(), randomUUID(), randomUUID()];
  const members = ['AuthorizationCode', 'AccessToken', 'RefreshToken', 'DeviceCode'].map((kind) => ({
    kind,
    id: randomUUID(),
  }));
  await store.adapter('Grant').upsert(grantId, { clientId, accountId }, 60);
  for (const { kind, id } of members) {
    await store.adapter(kind).upsert(id, { grantId, clientId, accountId }, 60);
  }
  const find = (kind: string) => store.adapter(kind).find(members.find((one) => one.kind === kind)?.id ?? '');
  return {
    grantId,
    clientId,
    accountId,
    codeId: members[0]?.id ?? '',
    refreshTokenId: members[2]?.id ?? '',
    /** The kinds that are still there. */
    async left() {
      const found = await Promise.all(members.map(async ({ kind }) => ((await find(kind)) ? kind : undefined)));
      const grant = (await store.adapter('Grant').find(grantId)) ? ['Grant'] : [];
      return [...grant, ...found.filter((kind) => kind !== undefined)];
    },
  };
}

/** The part of the artifact store's contract that is about ending things: see artifacts.contract.ts. */
export function describeRevoking(createNode: CreateNode): void {
  describe('revoking', () => {
    it.each(['AccessToken', 'RefreshToken', 'Grant'])(
      'C42: ends every kind of a grant when the engine asks for %s',
      async (kind) => {
        const store = createNode();
        const family = await saveFamily(store);
        const other = await saveFamily(store);
        await createNode().adapter(kind).revokeByGrantId(family.grantId);
        expect(await family.left()).toEqual(['Grant']);
        expect(await other.left()).toEqual(WHOLE_FAMILY);
      },
    );

    it('C42: ends all that came of a grant at one moment with its refresh token: who asks again finds nothing to ask for', async () => {
      const store = createNode();
      const family = await saveFamily(store);
      const other = await saveFamily(store);
      await createNode().adapter('RefreshToken').destroy(family.refreshTokenId);
      expect(await family.left()).toEqual([]);
      expect(await other.left()).toEqual(WHOLE_FAMILY);
    });

    it.each([
      ['ended', (store: ArtifactStore, { grantId }: Family) => store.adapter('Grant').destroy(grantId)],
      [
        'ended for a code that was used twice',
        async (store: ArtifactStore, { codeId }: Family) => {
          const codes = store.adapter('AuthorizationCode');
          await codes.consume(codeId);
          await expect(codes.consume(codeId)).rejects.toThrow(errors.InvalidGrant);
        },
      ],
      ['ended with its account', (store: ArtifactStore, { accountId }: Family) => store.revokeByAccountId(accountId)],
      ['ended with its client', (store: ArtifactStore, { clientId }: Family) => store.revokeByClientId(clientId)],
    ])('C42: a grant that was %s stays so when a consent that was under way saves it', async (_, end) => {
      const store = createNode();
      const family = await saveFamily(store);
      const grant = await createNode().adapter('Grant').find(family.grantId);
      await end(store, family);
      await createNode()
        .adapter('Grant')
        .upsert(family.grantId, { ...grant, openid: { scope: 'openid' } }, 60);
      expect(await createNode().adapter('Grant').find(family.grantId)).toBeUndefined();
    });

    it('a consent that was under way neither undoes nor loses what was changed of its grant meanwhile', async () => {
      const consents = [{}, {}, {}].map((identity) =>
        createNode({ currentRequest: () => ({ identity, age: 0 }) }).adapter('Grant'),
      );
      const id = randomUUID();
      const exp = Math.floor(Date.now() / 1000) + 3600;
      await createNode()
        .adapter('Grant')
        .upsert(id, { clientId: 'shop', exp, openid: { scope: 'openid profile' } }, 3600);
      const found = await Promise.all(consents.map((consent) => consent.find(id)));
      await Promise.all(
        ['openid', 'openid profile email', 'openid profile phone'].map((scope, index) =>
          consents[index]?.upsert(id, { ...found[index], openid: { scope } }, 3600),
        ),
      );
      const saved = (await createNode().adapter('Grant').find(id)) as unknown as { openid: { scope: string } };
      expect(saved.openid.scope.split(' ').sort()).toEqual(['email', 'openid', 'phone']);
    });

    it('never takes what has no grant for what has an unknown one', async () => {
      const store = createNode();
      const id = randomUUID();
      await store.adapter('ClientCredentials').upsert(id, { clientId: 'machine' }, 60);
      for (const grantId of [randomUUID(), '', 'null', undefined as unknown as string, null as unknown as string]) {
        await store.adapter('ClientCredentials').revokeByGrantId(grantId);
      }
      expect(await store.adapter('ClientCredentials').find(id)).toBeDefined();
    });

    it('C50: ends everything of an account and nothing of another', async () => {
      const store = createNode();
      const [alice, bob] = [randomUUID(), randomUUID()];
      for (const accountId of [alice, bob]) {
        await store.adapter('Session').upsert(`session of ${accountId}`, { accountId, uid: accountId }, 60);
        await store.adapter('AccessToken').upsert(`token of ${accountId}`, { accountId }, 60);
      }
      await createNode().revokeByAccountId(alice);
      expect(await store.adapter('Session').find(`session of ${alice}`)).toBeUndefined();
      expect(await store.adapter('AccessToken').find(`token of ${alice}`)).toBeUndefined();
      expect(await store.adapter('Session').find(`session of ${bob}`)).toBeDefined();
      expect(await store.adapter('AccessToken').find(`token of ${bob}`)).toBeDefined();
    });

    it('ends everything of a client and nothing of another', async () => {
      const store = createNode();
      const [shop, bank] = [randomUUID(), randomUUID()];
      for (const clientId of [shop, bank]) {
        await store.adapter('Grant').upsert(`grant of ${clientId}`, { clientId }, 60);
        await store.adapter('ClientCredentials').upsert(`token of ${clientId}`, { clientId }, 60);
      }
      await createNode().revokeByClientId(shop);
      expect(await store.adapter('Grant').find(`grant of ${shop}`)).toBeUndefined();
      expect(await store.adapter('ClientCredentials').find(`token of ${shop}`)).toBeUndefined();
      expect(await store.adapter('Grant').find(`grant of ${bank}`)).toBeDefined();
      expect(await store.adapter('ClientCredentials').find(`token of ${bank}`)).toBeDefined();
    });
  });
}
