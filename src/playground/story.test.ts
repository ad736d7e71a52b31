import { expect, it } from 'vitest';
import { CATALOGUE, findFlow } from './flows/catalogue.ts';
import { createRun } from './run.ts';
import { nextInStory } from './story.ts';

const flow = findFlow('authorization-code');

function nextAfter(done: readonly string[], unavailable: readonly string[] = []) {
  const run = createRun('authorization-code', {});
  run.done.push(...done);
  return flow && nextInStory(flow, run, ({ name }) => !unavailable.includes(name)).action?.name;
}

it('goes on where it was left, whatever else was pressed in between', () => {
  expect(nextAfter(['start'])).toBe('redeem');
  expect(nextAfter(['start', 'redeem', 'records', 'records'])).toBe('whoami');
  expect(nextAfter(['start', 'redeem', 'whoami', 'userinfo', 'refresh', 'introspect', 'revoke'])).toBe('whoami');
});

it('leaves out what this answer does not allow', () => {
  expect(nextAfter(['start', 'redeem', 'whoami'], ['userinfo', 'refresh'])).toBe('introspect');
});

it('ends', () => {
  expect(nextAfter(flow?.story ?? [])).toBeUndefined();
});

it('is told in actions that the flow has', () => {
  for (const { name, story, actions } of CATALOGUE.flatMap(({ flows }) => flows)) {
    expect([name, story.filter((one) => !actions.some((action) => action.name === one))]).toEqual([name, []]);
  }
});
