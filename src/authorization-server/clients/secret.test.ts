import { expect, it } from 'vitest';
import { hashSecret, verifySecret } from './secret.ts';

it('stores nothing from which the secret can be read', () => {
  // SHA-256("abc"), FIPS 180-2 appendix B.1
  expect(hashSecret('abc')).toBe('ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0');
});

it('accepts the secret and nothing else', () => {
  const secretHash = hashSecret('demo-web-secret');
  expect(verifySecret('demo-web-secret', secretHash)).toBe(true);
  for (const wrong of ['', 'demo-web-secre', 'demo-web-secret ', 'Demo-web-secret', secretHash]) {
    expect(verifySecret(wrong, secretHash)).toBe(false);
  }
});

it('accepts no secret for a hash that is none', () => {
  expect(verifySecret('', '')).toBe(false);
  expect(verifySecret('abc', 'ungWv48B')).toBe(false);
});
