import { expect, it } from 'vitest';
import { PendingAuthorizations } from './pending-authorizations.ts';
import { createRun } from './run.ts';

const pendingFor = (state: string) => ({ state, run: createRun('authorization-code', { scope: `scope of ${state}` }) });

it('accepts the state of an answer once', () => {
  const pending = new PendingAuthorizations();
  pending.remember(pendingFor('a'));
  expect(pending.isEmpty).toBe(false);
  expect(pending.take('a')).toEqual(pendingFor('a'));
  expect(pending.take('a')).toBeUndefined();
  expect(pending.isEmpty).toBe(true);
});

it('does not accept a state that it never sent', () => {
  const pending = new PendingAuthorizations();
  pending.remember(pendingFor('a'));
  expect(pending.take('b')).toBeUndefined();
  expect(pending.take('')).toBeUndefined();
});

it('keeps the requests of several tabs apart', () => {
  const pending = new PendingAuthorizations();
  pending.remember(pendingFor('a'));
  pending.remember(pendingFor('b'));
  expect(pending.take('a')?.run.parameters.scope).toBe('scope of a');
  expect(pending.take('b')?.run.parameters.scope).toBe('scope of b');
});

it('forgets the oldest of too many requests that never came back', () => {
  const pending = new PendingAuthorizations();
  for (let i = 0; i < 9; i++) {
    pending.remember(pendingFor(`state-${i}`));
  }
  expect(pending.take('state-0')).toBeUndefined();
  expect(pending.take('state-1')).toBeDefined();
});
