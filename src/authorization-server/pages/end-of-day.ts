import type { Language } from '../languages/languages.ts';
import { type Moment, momentOf } from './moments.ts';

const DAY_MS = 24 * 3600 * 1000;

export type DayProblem = 'no-date' | 'past-date' | 'late-date';

/** The end of a day that `<input type="date">` names, as UTC counts it, and `latest` at the latest; or why it cannot be that. */
export function endOfDay(date: string, latest: Date, now = new Date()): Date | DayProblem {
  const day = /^\d{4}-\d\d-\d\d$/.test(date) ? Date.parse(`${date}T00:00:00Z`) : Number.NaN;
  if (Number.isNaN(day)) {
    return 'no-date';
  }
  if (day > latest.getTime()) {
    return 'late-date';
  }
  return day + DAY_MS <= now.getTime() ? 'past-date' : new Date(Math.min(day + DAY_MS, latest.getTime()));
}

/** For `<input type="date">`: the day of UTC, so many days from now. */
export function dayIn(days: number, now = new Date()): string {
  return new Date(now.getTime() + days * DAY_MS).toISOString().slice(0, 10);
}

/** What ends with a day ends on that day, and not on the next. */
export function lastMomentOf(end: Date, language: Language, now = new Date()): Moment {
  return momentOf(new Date(end.getTime() - 1), language, now);
}
