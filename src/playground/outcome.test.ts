import { expect, it } from 'vitest';
import { GRANTS } from './grants.ts';
import { availableActions } from './outcome.ts';

it('offers what the tokens allow', () => {
  const tokens = { accessToken: 'a', refreshToken: 'r', scope: 'openid records:read' };
  expect(availableActions(GRANTS['authorization-code'], tokens)).toEqual([
    'whoami',
    'records',
    'create-record',
    'userinfo',
    'refresh',
    'introspect',
    'revoke',
  ]);
});

it('does not offer userinfo without openid, nor a refresh without a refresh token', () => {
  const actions = availableActions(GRANTS['client-credentials'], { accessToken: 'a', scope: 'records:read' });
  expect(actions).not.toContain('userinfo');
  expect(actions).not.toContain('refresh');
});

it('does not offer introspection to a public client', () => {
  expect(availableActions(GRANTS.spa, { accessToken: 'a' })).not.toContain('introspect');
});

it('offers nothing when there is no token', () => {
  expect(availableActions(GRANTS['authorization-code'], {})).toEqual([]);
});
