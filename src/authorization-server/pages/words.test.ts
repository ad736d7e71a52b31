import { errors } from 'oidc-provider';
import { describe, expect, it } from 'vitest';
import { loadLanguages } from '../languages/languages.ts';
import { clientCard, destinationOf } from './client-card.ts';
import { messageOf } from './error-words.ts';
import { PAGE_ERRORS, type PageErrorCode } from './page-error.ts';

type EngineClient = Parameters<typeof clientCard>[0];

const t = loadLanguages()('en');

const cardOf = (metadata: object) => clientCard({ clientId: 'shop', ...metadata } as EngineClient);

describe('the words of an error', () => {
  const codes = [errors.InvalidRequest, errors.InvalidClient, errors.InvalidRedirectUri, errors.UnauthorizedClient]
    .concat([errors.AccessDenied, errors.InvalidScope, errors.InvalidTarget, errors.UnsupportedResponseType] as never)
    .map((Kind) => new (Kind as new (description: string, more: string) => Error)('d', 'x').message);

  it.each([...codes, 'server_error', 'never_heard_of', '__proto__', 'constructor'])('exist for %s', (code) => {
    const title = t(`error.${messageOf(code)}.title`);
    const words = t(`error.${messageOf(code)}.words`);
    expect(title.length).toBeGreaterThan(5);
    expect(words.length).toBeGreaterThan(40);
    expect(title + words).not.toContain(code);
  });

  it.each(Object.keys(PAGE_ERRORS) as PageErrorCode[])('exist for the page error %s', (code) => {
    expect(t(`error.${code}.words`).length).toBeGreaterThan(40);
  });
});

describe('a client on a page', () => {
  it('has its name, and its id when it has none', () => {
    expect(cardOf({ clientName: 'Shop & Co' })).toMatchObject({ name: 'Shop & Co', initial: 'S' });
    expect(cardOf({})).toMatchObject({ name: 'shop', initial: 'S' });
    expect(cardOf({ clientName: ' \u200B\u202E ' })).toMatchObject({ name: 'shop' });
  });

  it('cannot turn the words around its name, nor push them away', () => {
    expect(cardOf({ clientName: 'Shop\u202E\u0000 \n\n X' }).name).toBe('Shop X');
    expect([...cardOf({ clientName: '🛎'.repeat(500) }).name]).toHaveLength(61);
  });

  it.each(['http://rp.example/l.png', 'javascript:alert(1)', 'data:image/svg+xml,x', 'nonsense', 7])(
    'C94: shows no logo and no link from %s',
    (uri) => {
      const { logo, home, policy, terms } = cardOf({ logoUri: uri, clientUri: uri, policyUri: uri, tosUri: uri });
      expect([logo, home, policy, terms]).toEqual([undefined, undefined, undefined, undefined]);
    },
  );

  it('shows the logo and the links of an https address, but none that nobody vouches for', () => {
    const uris = {
      logoUri: 'https://rp.example/l.png',
      clientUri: 'https://rp.example',
      policyUri: 'https://rp.example/privacy',
      tosUri: 'https://rp.example/terms',
    };
    expect(cardOf(uris)).toMatchObject({
      logo: 'https://rp.example/l.png',
      home: 'https://rp.example/',
      policy: 'https://rp.example/privacy',
      terms: 'https://rp.example/terms',
    });
    const { logo, home, policy, terms } = cardOf({ ...uris, self_described: 'registration' });
    expect([logo, home, policy, terms]).toEqual([undefined, undefined, undefined, undefined]);
  });
});

describe('the destination', () => {
  it.each([
    ['https://user@rp.example:8443/cb?x=1', 'rp.example:8443', false],
    ['http://localhost:3002/callback', 'localhost:3002', false],
    ['com.example.app:/cb', 'com.example.app:', true],
    ['https://b\u00FCcher.example/cb', 'xn--bcher-kva.example', false],
  ])('of %s is %s', (redirectUri, place, isOnThisDevice) => {
    expect(destinationOf(redirectUri, cardOf({}))).toEqual({ place, isOnThisDevice });
  });

  it('of a client that nobody vouches for is told as this device where it is that', () => {
    const card = cardOf({ self_described: 'registration' });
    const destination = { place: 'localhost:3002', isOnThisDevice: true };
    expect(destinationOf('http://localhost:3002/callback', card)).toEqual(destination);
    expect(destinationOf(undefined, card)).toBeUndefined();
  });
});
