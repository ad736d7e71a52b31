import type { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { EventFeed, Follower } from './event-stream.ts';
import { createWaitingPolls, NO_EVENTS, type PollAnswer } from './waiting-polls.ts';

const EVENTS: PollAnswer = { sets: { e1: 'set' } };

let follower: Follower;
const feed: EventFeed = {
  isCurrent: true,
  async follow(one) {
    follower = one;
    return { stop: () => undefined };
  },
};

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A poll that waits, with what it has been sent. */
async function wait(look: () => Promise<PollAnswer | undefined>) {
  const body = (await createWaitingPolls(feed).wait('stream', look)) as Readable;
  let sent = '';
  body.on('data', (chunk: Buffer) => {
    sent += chunk;
  });
  await vi.advanceTimersByTimeAsync(0);
  return { sent: () => sent };
}

it('gives signs of life while nothing happens', async () => {
  const { sent } = await wait(async () => NO_EVENTS);
  await vi.advanceTimersByTimeAsync(950);
  expect(sent()).toBe(' '.repeat(4));
});

it('C87: gives no sign that nothing has happened while it finds out what has', async () => {
  const looks = [Promise.resolve(NO_EVENTS)];
  const { sent } = await wait(() => looks.shift() ?? Promise.resolve(NO_EVENTS));
  const before = sent();
  const slow = Promise.withResolvers<PollAnswer>();
  looks.push(slow.promise);
  follower.changed();
  await vi.advanceTimersByTimeAsync(5000);
  expect(sent()).toBe(before);
  slow.resolve(EVENTS);
  await vi.advanceTimersByTimeAsync(0);
  expect(sent()).toBe(before + JSON.stringify(EVENTS));
});

it('C87: gives no first sign where something has happened since the first look', async () => {
  const slow = Promise.withResolvers<PollAnswer>();
  const looks = [slow.promise];
  const waiting = wait(() => looks.shift() ?? Promise.resolve(EVENTS));
  await vi.advanceTimersByTimeAsync(0);
  follower.changed();
  slow.resolve(NO_EVENTS);
  const { sent } = await waiting;
  expect(sent()).toBe(JSON.stringify(EVENTS));
});

it('gives signs again once there was nothing for this stream', async () => {
  const { sent } = await wait(async () => NO_EVENTS);
  follower.changed();
  await vi.advanceTimersByTimeAsync(950);
  expect(sent()).toMatch(/^ {3,}$/);
});
