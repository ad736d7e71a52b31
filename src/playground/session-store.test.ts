import { describe, expect, it } from 'vitest';
import { SessionStore } from './session-store.ts';

function createStore({ limit = 10 } = {}) {
  const clock = { now: 0 };
  return { clock, store: new SessionStore<string>({ limit, lifetime: 1000, now: () => clock.now }) };
}

describe('SessionStore', () => {
  it('gives every session an unguessable id of its own', () => {
    const { store } = createStore();
    const ids = [store.create('a'), store.create('b')];
    expect(new Set(ids).size).toBe(2);
    expect(ids.every((id) => /^[\w-]{43}$/.test(id))).toBe(true);
  });

  it('finds nothing under an id it did not give out', () => {
    const { store } = createStore();
    expect(store.find('made-up')).toBeUndefined();
    expect(store.find('made-up')).toBeUndefined();
  });

  it('forgets a session that was not used for its lifetime', () => {
    const { store, clock } = createStore();
    const id = store.create('a');
    clock.now = 1000;
    expect(store.find(id)).toBeUndefined();
  });

  it('keeps a session that is used', () => {
    const { store, clock } = createStore();
    const id = store.create('a');
    clock.now = 900;
    expect(store.find(id)).toBe('a');
    clock.now = 1800;
    expect(store.find(id)).toBe('a');
  });

  it('drops the session unused for longest when there are too many', () => {
    const { store } = createStore({ limit: 2 });
    const [first, second] = [store.create('first'), store.create('second')];
    store.find(first);
    const third = store.create('third');
    expect([first, second, third].map((id) => store.find(id))).toEqual(['first', undefined, 'third']);
  });
});
