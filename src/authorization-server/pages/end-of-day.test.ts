import { expect, it } from 'vitest';
import { dayIn, endOfDay, lastMomentOf } from './end-of-day.ts';

const NOW = new Date('2026-11-22T23:30:00Z');
const LATEST = new Date('2027-11-22T23:30:00Z');

it.each([
  ['2026-11-22', '2026-11-23T00:00:00.000Z'],
  ['2027-02-28', '2027-03-01T00:00:00.000Z'],
  ['2027-11-22', '2027-11-22T23:30:00.000Z'],
])('%s ends at %s', (date, end) => {
  expect((endOfDay(date, LATEST, NOW) as Date).toISOString()).toBe(end);
});

it.each([
  ['', 'no-date'],
  ['tomorrow', 'no-date'],
  ['2026-13-01', 'no-date'],
  ['2026-11-22T10:00', 'no-date'],
  ['2026-11-21', 'past-date'],
  ['2027-11-23', 'late-date'],
  ['9999-12-31', 'late-date'],
])('"%s" is refused: %s', (date, problem) => {
  expect(endOfDay(date, LATEST, NOW)).toBe(problem);
});

it('counts days as UTC does', () => {
  expect([dayIn(0, NOW), dayIn(1, NOW), dayIn(40, NOW)]).toEqual(['2026-11-22', '2026-11-23', '2027-01-01']);
});

it('names the day that something lasts to the end of', () => {
  const end = endOfDay('2026-12-24', LATEST, NOW) as Date;
  expect(lastMomentOf(end, 'en', NOW).day).toBe('December 24, 2026');
});
