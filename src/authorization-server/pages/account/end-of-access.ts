import type { RouterContext } from '@koa/router';
import { z } from 'zod';
import type { GrantEnd } from '../../grants/held-grant.ts';
import type { Language } from '../../languages/languages.ts';
import { secondsOf } from '../../resources/access-duration.ts';
import { dayIn, endOfDay } from '../end-of-day.ts';
import { FormProblems, readForm } from '../form.ts';
import { type Moment, momentOf } from '../moments.ts';

const DAY_SECONDS = 24 * 3600;

const EndForm = z.object({
  end: z.enum(['hour', 'month', 'date', 'revoked'], 'account-apps.problem.no-choice'),
  date: z.string().max(10, 'account-apps.problem.no-date').optional(),
});

export interface EndOptions {
  readonly choices: readonly { readonly value: 'hour' | 'month' | 'revoked'; readonly until: Moment }[];
  /** For `<input type="date">`. */
  readonly firstDay: string;
  readonly lastDay: string;
}

/** When an access may end, of which nothing is longer than `longest` (seconds). */
export function endOptions(longest: number, language: Language): EndOptions {
  const choices = (['hour', 'month', 'revoked'] as const)
    .filter((value) => value === 'revoked' || secondsOf(value, longest) < longest)
    .map((value) => ({ value, until: momentOf(fromNow(secondsOf(value, longest)), language) }));
  return { choices, firstDay: dayIn(0), lastDay: dayIn(longest / DAY_SECONDS) };
}

/** Throws `FormProblems` for a day that is over, is too far ahead or is none. */
export async function readEnd(ctx: RouterContext, longest: number): Promise<GrantEnd> {
  const { end, date = '' } = await readForm(ctx, EndForm);
  const until = end === 'date' ? endOfDay(date, fromNow(longest)) : fromNow(secondsOf(end, longest));
  if (typeof until === 'string') {
    throw new FormProblems({ date: `account-apps.problem.${until}` }, { end, date });
  }
  return { until, lasts: end === 'date' ? undefined : end };
}

function fromNow(seconds: number): Date {
  return new Date(Date.now() + seconds * 1000);
}
