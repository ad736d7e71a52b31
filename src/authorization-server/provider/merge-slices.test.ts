import { expect, it } from 'vitest';
import { mergeSlices } from './merge-slices.ts';

it('puts the parts together that several slices have', () => {
  const merged = mergeSlices([
    { features: { revocation: { enabled: true } }, ttl: { Grant: 60 }, rotateRefreshToken: true },
    { features: { introspection: { enabled: true } }, ttl: { Session: 70 } },
    {},
  ]);
  expect(merged).toEqual({
    features: { revocation: { enabled: true }, introspection: { enabled: true } },
    ttl: { Grant: 60, Session: 70 },
    rotateRefreshToken: true,
  });
});

it('joins lists, in the order of the slices', () => {
  const slices = [{ responseTypes: ['code'] }, { responseTypes: ['id_token'] }] as const;
  expect(mergeSlices(slices.map((slice) => ({ responseTypes: [...slice.responseTypes] })))).toEqual({
    responseTypes: ['code', 'id_token'],
  });
  expect(
    mergeSlices([{ extraClientMetadata: { properties: ['a'] } }, { extraClientMetadata: { properties: ['b'] } }]),
  ).toEqual({ extraClientMetadata: { properties: ['a', 'b'] } });
});

it.each([
  ['rotateRefreshToken', [{ rotateRefreshToken: true }, { rotateRefreshToken: true }]],
  ['ttl.Grant', [{ ttl: { Grant: 1 } }, { ttl: { Grant: 2 } }]],
  [
    'features.revocation',
    [{ features: { revocation: { enabled: true } } }, { features: { revocation: { enabled: false } } }],
  ],
  ['scopes', [{ scopes: ['openid'] }, { scopes: new Set(['email']) as never }]],
])('refuses two slices that both decide %s, and names it', (path, slices) => {
  expect(() => mergeSlices(slices)).toThrow(`two slices of the provider's settings decide ${path}`);
});

it('changes none of the slices', () => {
  const slices = [
    { ttl: { Grant: 60 }, scopes: ['openid'] },
    { ttl: { Session: 60 }, scopes: ['email'] },
  ];
  const before = structuredClone(slices);
  mergeSlices(slices);
  expect(slices).toEqual(before);
});
