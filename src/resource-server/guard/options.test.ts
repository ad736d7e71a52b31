import { expect, it } from 'vitest';
import { createGuard, type GuardOptions } from './guard.ts';

const GOOD = { issuer: 'https://login.example.com', audience: 'urn:books', clientId: 'books', clientSecret: 'secret' };

/** As from JavaScript, where nobody looks at the types. */
const create = (options: object) => createGuard({ ...GOOD, ...options } as GuardOptions);

it.each([
  ['issuer', { issuer: undefined }],
  ['issuer', { issuer: 'login.example.com' }],
  ['issuer', { issuer: 'file:///etc' }],
  ['audience', { audience: undefined }],
  ['audience', { audience: '' }],
  ['clientId', { clientId: undefined }],
  ['clientSecret', { clientSecret: undefined, strategy: 'jwt' }],
  ['clientSecret', { clientSecret: '' }],
  ['strategy', { strategy: 'JWT' }],
  ['strategy', { strategy: { repository: 'postgres://localhost' } }],
  ['timeoutMs', { timeoutMs: Number.NaN }],
  ['timeoutMs', { timeoutMs: 2 ** 31 }],
  ['cache.maxAgeSeconds', { cache: { maxAgeSeconds: '60' } }],
  ['cache.maxEntries', { cache: { maxEntries: 0 } }],
  ['cache.maxEntries', { cache: { maxEntries: 2 ** 32 } }],
  ['cache.maxBytes', { cache: { maxBytes: Number.POSITIVE_INFINITY } }],
  ['logger', { logger: 'info' }],
  ['possession.publicUrl', { possession: { publicUrl: 'books.example.com' } }],
  ['possession.clientCertificates', { possession: { clientCertificates: 'TLS' } }],
  ['boundTokensOnly', { boundTokensOnly: true }],
])('says at once what is wrong with %s: %o', (name, options) => {
  expect(() => create(options)).toThrow(TypeError);
  expect(() => create(options)).toThrow(name);
});

it('says everything that is wrong, and repeats no secret', () => {
  const options = { ...GOOD, issuer: 'nowhere', clientSecret: 'canary', clientSecrets: 'canary' };
  expect(() => createGuard(options)).toThrow(/issuer[\s\S]+clientSecrets|clientSecrets[\s\S]+issuer/);
  expect(() => createGuard(options)).not.toThrow('canary');
});

it('takes undefined for what is not said', () => {
  const cache = { maxAgeSeconds: undefined, maxEntries: undefined, maxBytes: undefined };
  expect(() => create({ cache, strategy: undefined, timeoutMs: undefined })).not.toThrow();
});

it('takes what an object of a class says, too', () => {
  class Settings {
    readonly issuer = GOOD.issuer;
    readonly audience = 'https://books.example.com';
    readonly strategy = 'jwt';
    get possession() {
      return { nonceSecret: '' };
    }
  }
  expect(() => createGuard(new Settings())).toThrow('nonceSecret');
});

it.each([
  [null],
  [['books:read', undefined]],
  [['']],
  ['books:read', { acrValues: 'mfa' }],
  ['books:read', { acr_values: ['mfa'] }],
  ['books:read', { maxAge: '300' }],
])('makes no route that is open wider than was meant, of require(%j, %j)', (scope, options?: object) => {
  expect(() => create({}).require(scope as string, options)).toThrow(TypeError);
});
