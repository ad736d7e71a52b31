import { expect, it } from 'vitest';
import { mergeGrants } from './merge-grant.ts';

const API = 'https://api.example';
const former = { exp: 1, openid: { scope: 'openid profile' }, resources: { [API]: 'read' } };

it('brings nothing back that was taken away meanwhile, and keeps what is added', () => {
  const current = { exp: 1, openid: { scope: 'openid' }, resources: {} };
  const mine = { exp: 2, openid: { scope: 'openid profile email' }, resources: { [API]: 'read write' } };
  expect(mergeGrants(former, current, mine)).toMatchObject({
    exp: 2,
    openid: { scope: 'openid email' },
    resources: { [API]: 'write' },
  });
});

it('has what two consents have added, and what either has refused', () => {
  const current = {
    ...former,
    openid: { scope: 'openid profile phone', claims: ['name'] },
    rejected: { openid: { scope: 'email' } },
  };
  const mine = { ...former, resources: { [API]: 'read write' }, rejected: { resources: { [API]: 'delete' } } };
  expect(mergeGrants(former, current, mine)).toEqual({
    exp: 1,
    openid: { scope: 'openid profile phone', claims: ['name'] },
    resources: { [API]: 'read write' },
    rejected: { openid: { scope: 'email', claims: [] }, resources: { [API]: 'delete' } },
  });
});

it('is what is about to be saved where nothing was changed meanwhile', () => {
  const mine = { ...former, openid: { scope: 'openid' } };
  expect(mergeGrants(former, former, mine)).toMatchObject(mine);
});
