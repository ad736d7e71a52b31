import { expect, it } from 'vitest';
import { loggedPath } from './request-id.ts';

it.each([
  ['/token', '/token'],
  ['/interaction/an-id', '/interaction/:uid'],
  ['/interaction/an-id/sign-in', '/interaction/:uid/sign-in'],
  ['/auth/an-id', '/auth/:uid'],
  ['/device/an-id', '/device/:uid'],
  ['/device/auth', '/device/auth'],
  ['/Interaction/an-id/consent', '/Interaction/:uid/consent'],
  ['/AUTH/an-id', '/AUTH/:uid'],
])('C92: logs %s, which is answered in any spelling, as %s', (path, logged) => {
  expect(loggedPath(path)).toBe(logged);
});
