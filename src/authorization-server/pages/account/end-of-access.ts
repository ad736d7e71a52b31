import type { RouterContext } from '@koa/router';
import { z } from 'zod';
import type { Language } from '../../languages/languages.ts';
import { secondsOf } from '../../resources/access-duration.ts';
import { FormProblems, readForm } from '../form.ts';
import { type Moment, momentOf } from '../moments.ts';

const DAY_MS = 24 * 3600 * 1000;

const EndForm = z.object({ end: z.enum(['hour', 'month', 'date', 'revoked']), date: z.string().max(10).optional() });

export interface EndOptions {
  readonly choices: readonly { readonly value: 'hour' | 'month' | 'revoked'; readonly until: Moment }[];
  /** For `<input type="date">`. */
  readonly firstDay: string;
  readonly lastDay: string;
}

/** When an access may end, of which nothing is longer than `longest` (seconds). */
export function endOptions(longest: number, language: Language): EndOptions {
  const now = Date.now();
  const choices = (['hour', 'month', 'revoked'] as const)
    .filter((value) => value === 'revoked' || secondsOf(value, longest) < longest)
    .map((value) => ({ value, until: momentOf(new Date(now + secondsOf(value, longest) * 1000), language) }));
  return { choices, firstDay: dayOf(now), lastDay: dayOf(now + longest * 1000) };
}

/** Throws `FormProblems` for a day that is over, is too far ahead or is none. */
export async function readEnd(ctx: RouterContext, longest: number): Promise<Date> {
  const { end, date = '' } = await readForm(ctx, EndForm);
  const now = Date.now();
  if (end !== 'date') {
    return new Date(now + secondsOf(end, longest) * 1000);
  }
  const day = /^\d{4}-\d\d-\d\d$/.test(date) ? Date.parse(`${date}T00:00:00Z`) : Number.NaN;
  const last = now + longest * 1000;
  const problem = Number.isNaN(day)
    ? 'no-date'
    : day + DAY_MS <= now
      ? 'past-date'
      : day > last
        ? 'late-date'
        : undefined;
  if (problem !== undefined) {
    throw new FormProblems({ date: `account-apps.problem.${problem}` }, { end, date });
  }
  // With the end of that day, wherever the server counts it.
  return new Date(Math.min(day + DAY_MS, last));
}

function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}
