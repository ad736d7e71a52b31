import { expect, it } from 'vitest';
import { createCookieSignatures } from './cookie-signatures.ts';

const [OLD, NEW] = ['the key of last year', 'the key of this year'];

it('knows a cookie by its signature, and no other cookie, nor with a signature that is not its own', () => {
  const signatures = createCookieSignatures([NEW]);
  const signature = signatures.sign('session=abc');
  expect(signatures.verify('session=abc', signature)).toBe(true);
  for (const [cookie, presented] of [
    ['session=abd', signature],
    ['session=abc', signatures.sign('session=abd')],
    ['session=abc', signature.slice(0, -1)],
    ['session=abc', `${signature}A`],
    ['session=abc', ''],
    ['session=abc', 'é🛎\0'],
    ['', signature],
  ] as const) {
    expect(signatures.verify(cookie, presented)).toBe(false);
  }
});

it('C49: signs with the first key, and says with which one a cookie was signed', () => {
  const both = createCookieSignatures([NEW, OLD]);
  expect(both.sign('session=abc')).toBe(createCookieSignatures([NEW]).sign('session=abc'));
  expect(both.index('session=abc', createCookieSignatures([OLD]).sign('session=abc'))).toBe(1);
  expect(both.index('session=abc', both.sign('session=abc'))).toBe(0);
  expect(createCookieSignatures([NEW]).index('session=abc', createCookieSignatures([OLD]).sign('session=abc'))).toBe(
    -1,
  );
});
