import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import Provider from 'oidc-provider';
import instance from 'oidc-provider/lib/helpers/weak_cache.js';
import { describe, expect, it, vi } from 'vitest';
import { PROFILES } from '../profiles/profile.ts';
import { clientAdapter } from './clients.ts';
import { allowResponseType, guardGrant, hookClients } from './engine.ts';

const VERSION = '9.13.3';

const HOOKS = {
  compareClientSecret: () => true,
  grantTypeAllowed: (allowed: boolean) => allowed,
  responseTypeAllowed: (allowed: boolean) => allowed,
  toleratesMetadata: () => false,
};

const createEngine = () =>
  new Provider('http://localhost:3000', {
    adapter: () =>
      clientAdapter(
        { findClient: async () => undefined },
        () => PROFILES.rfc6749,
        async () => new Set(),
      ),
    jwks: { keys: [] },
    cookies: { keys: ['a key'] },
    features: { devInteractions: { enabled: false }, clientCredentials: { enabled: true } },
  });

describe('the engine', () => {
  it(`is exactly version ${VERSION}, for which provider/engine.ts was written`, () => {
    const { dependencies } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));
    expect(dependencies['oidc-provider']).toBe(VERSION);
    const installed = createRequire(import.meta.url)
      .resolve('oidc-provider')
      .replace(/lib\/index\.js$/, 'package.json');
    expect(JSON.parse(readFileSync(installed, 'utf8')).version).toBe(VERSION);
    expect(readFileSync(new URL('./engine.ts', import.meta.url), 'utf8')).toContain(`was written for ${VERSION}`);
  });
});

describe('a door to the engine leads where it says', () => {
  it('and a response type is allowed that the configuration refuses', () => {
    const provider = createEngine();
    allowResponseType(provider, 'token');
    expect(instance(provider).configuration?.responseTypes).toContain('token');
  });

  it('and a guard runs before the handler of a grant, which does not run when the guard refuses', async () => {
    const provider = createEngine();
    const handler = vi.fn(async () => {});
    instance(provider).grantTypeHandlers?.set('client_credentials', handler);
    const guard = vi.fn(async () => expect(handler).not.toHaveBeenCalled());
    guardGrant(provider, 'client_credentials', guard);
    await instance(provider).grantTypeHandlers?.get('client_credentials')?.({} as never);
    expect([guard.mock.calls.length, handler.mock.calls.length]).toEqual([1, 1]);
    guardGrant(provider, 'client_credentials', () => Promise.reject(new Error('refused')));
    await expect(instance(provider).grantTypeHandlers?.get('client_credentials')?.({} as never)).rejects.toThrow(
      'refused',
    );
    expect(handler).toHaveBeenCalledTimes(1);
  });

  it('and a hook is asked about a secret, a grant type and a response type of a client', () => {
    const provider = createEngine();
    const asked: unknown[] = [];
    hookClients(provider, {
      compareClientSecret: (registered, presented) => asked.push([registered, presented]) > 0,
      grantTypeAllowed: (allowed, grantType) => asked.push([allowed, grantType]) > 0,
      responseTypeAllowed: (allowed, responseType) => asked.push([allowed, responseType]) > 0,
      toleratesMetadata: () => false,
    });
    const { prototype } = provider.Client as unknown as { prototype: Record<string, (value: string) => boolean> };
    const client = Object.assign(Object.create(prototype), {
      clientSecret: 'hash',
      grantTypes: ['a'],
      responseTypes: ['b'],
    });
    expect([client.compareClientSecret('s'), client.grantTypeAllowed('a'), client.grantTypeAllowed('z')]).toEqual([
      true,
      true,
      true,
    ]);
    expect(client.responseTypeAllowed('b')).toBe(true);
    expect(asked).toEqual([
      ['hash', 's'],
      [true, 'a'],
      [false, 'z'],
      [true, 'b'],
    ]);
  });
});

describe('a door to the engine that leads nowhere stops the start', () => {
  const internalsOf = (provider: Provider) =>
    instance(provider) as { configuration: object; grantTypeHandlers: unknown };
  const clientOf = (provider: Provider) =>
    provider.Client as unknown as { prototype: object; Schema: { prototype: object } };
  const hide = (object: object, name: string) => Object.defineProperty(object, name, { value: undefined });

  it.each([
    [
      'a list of response types',
      (provider: Provider) => allowResponseType(provider, 'token'),
      (provider: Provider) => {
        internalsOf(provider).configuration = {};
      },
    ],
    [
      'a handler of the grant type password',
      (provider: Provider) => guardGrant(provider, 'password', async () => {}),
      () => {},
    ],
    [
      'a handler of the grant type client_credentials',
      (provider: Provider) => guardGrant(provider, 'client_credentials', async () => {}),
      (provider: Provider) => {
        internalsOf(provider).grantTypeHandlers = undefined;
      },
    ],
    ...['compareClientSecret', 'grantTypeAllowed', 'responseTypeAllowed'].map(
      (name) =>
        [
          `Client.${name}`,
          (provider: Provider) => hookClients(provider, HOOKS),
          (provider: Provider) => {
            hide(clientOf(provider).prototype, name);
          },
        ] as const,
    ),
    [
      'Client.Schema.invalidate',
      (provider: Provider) => hookClients(provider, HOOKS),
      (provider: Provider) => {
        hide(clientOf(provider).Schema.prototype, 'invalidate');
      },
    ],
  ] as const)('and names %s', (what, open, takeAway) => {
    const provider = createEngine();
    takeAway(provider);
    expect(() => open(provider)).toThrow(
      `oidc-provider no longer has ${what}: provider/engine.ts was written for ${VERSION}`,
    );
  });
});
