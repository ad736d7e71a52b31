import type { Client as EngineClient } from 'oidc-provider';
import { describe, expect, it } from 'vitest';
import type { Client, ClientStore } from '../clients/client.ts';
import { PROFILES } from '../profiles/profile.ts';
import { clientAdapter, OUR_METADATA, registrationOf } from './clients.ts';

const SHOP: Client = {
  clientId: 'shop',
  metadata: {
    client_name: 'Shop',
    grant_types: ['authorization_code'],
    response_types: ['code'],
    token_endpoint_auth_method: 'client_secret_basic',
    scope: 'openid records:read',
    default_scope: 'openid',
  },
  secretHash: 'the-hash',
  resourceServer: 'https://api.example.com',
};

const storeOf = (client: Client | undefined): ClientStore => ({ findClient: async () => client });
const adapterOf = (client: Client | undefined) =>
  clientAdapter(
    storeOf(client),
    () => PROFILES.rfc6749,
    async () => new Set(['upload']),
  );

describe('a client for the engine', () => {
  it('has its metadata, its id, and in place of the secret the hash', async () => {
    expect(await adapterOf(SHOP).find('shop')).toEqual({
      client_id: 'shop',
      client_secret: 'the-hash',
      client_name: 'Shop',
      grant_types: ['authorization_code'],
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_basic',
      default_scope: 'openid',
      allowed_scope: 'openid records:read',
      resource_server: 'https://api.example.com',
    });
  });

  it('can be edited by the engine without changing what the next request gets', async () => {
    const adapter = adapterOf(SHOP);
    ((await adapter.find('shop')) as { grant_types: string[] }).grant_types.pop();
    expect(await adapter.find('shop')).toMatchObject({ grant_types: ['authorization_code'] });
  });

  it('has no secret when it is a public one, and nothing that it was not registered with', async () => {
    const { scope: _, default_scope: __, ...metadata } = SHOP.metadata;
    const client = { ...SHOP, metadata, secretHash: undefined, resourceServer: undefined };
    const found = await adapterOf(client).find('shop');
    for (const name of ['client_secret', ...OUR_METADATA]) {
      expect(found).not.toHaveProperty(name);
    }
  });

  it('has of its types of authorization details those that are still declared', async () => {
    const client = { ...SHOP, metadata: { ...SHOP.metadata, authorization_details_types: ['upload', 'gone'] } };
    expect(await adapterOf(client).find('shop')).toMatchObject({ authorization_details_types: ['upload'] });
  });

  it('C81: cannot give itself another id by its metadata', async () => {
    const client = { ...SHOP, metadata: { ...SHOP.metadata, client_id: 'bank', client_secret: 'plain' } };
    expect(await adapterOf(client).find('shop')).toMatchObject({
      client_id: 'shop',
      client_secret: 'the-hash',
    });
  });

  it('is none when there is none', async () => {
    expect(await adapterOf(undefined).find('nobody')).toBeUndefined();
  });

  it('is changed in the client store and nowhere else', async () => {
    const adapter = adapterOf(SHOP);
    for (const act of [
      () => adapter.upsert('shop', {}, 60),
      () => adapter.consume('shop'),
      () => adapter.destroy('shop'),
      () => adapter.revokeByGrantId('grant'),
      () => adapter.findByUid('shop'),
      () => adapter.findByUserCode('shop'),
    ]) {
      await expect(act()).rejects.toThrow('clients are registered through the client store');
    }
  });
});

it('reads back what is ours from the client that the engine holds, and only text', () => {
  const client = { allowed_scope: 'openid', default_scope: ['a list'], resource_server: undefined };
  expect(registrationOf(client as unknown as EngineClient)).toEqual({
    scope: 'openid',
    default_scope: undefined,
    first_party: false,
    resource_server: undefined,
  });
});
