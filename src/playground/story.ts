import type { Action, Arrow, Flow } from './flow.ts';
import type { Run } from './run.ts';

export interface Next {
  /** What the page suggests; `undefined` at the end of the story, or while nothing of it is possible. */
  readonly action: Action | undefined;
  /** The arrows that the diagram announces: that of the action first. */
  readonly upcoming: readonly Arrow[];
}

/** Where the story goes on: after the last of its actions that was done in its order. */
export function nextInStory(flow: Flow, run: Run, isAvailable: (action: Action) => boolean): Next {
  const reached = run.done.reduce((at, name) => {
    const found = flow.story.indexOf(name, at);
    return found === -1 ? at : found + 1;
  }, 0);
  const rest = flow.story.slice(reached).flatMap((name) => flow.actions.find((action) => action.name === name) ?? []);
  const first = rest.findIndex(isAvailable);
  return first === -1
    ? { action: undefined, upcoming: [] }
    : { action: rest[first], upcoming: rest.slice(first).map(({ arrow }) => arrow) };
}

/** What a flow will be, before anybody has run it. */
export const announced = (flow: Flow): readonly Arrow[] => [
  flow.start.arrow,
  ...(flow.start.afterwards ?? []),
  ...flow.story.flatMap((name) => flow.actions.find((action) => action.name === name)?.arrow ?? []),
];
