import type { RouterContext } from '@koa/router';
import { z } from 'zod';
import { TOKEN_DAYS } from '../../grants/personal-access-token.ts';
import type { ResourceServer } from '../../resources/resource-server.ts';
import { dayIn, endOfDay } from '../end-of-day.ts';
import { FormProblems, readForm } from '../form.ts';
import { PageError } from '../page-error.ts';

export interface TokenForm {
  readonly id: string;
  readonly name: string;
  readonly resourceServer: string;
  readonly scopes: readonly string[];
  readonly expiresAt: Date;
  /** As they were sent. */
  readonly fields: Readonly<Record<string, string>>;
}

const LONGEST_NAME = 60;

/** What no browser sends. */
const BROKEN = 'account-tokens.problem.broken';

const Form = z.looseObject({
  id: z.uuid(BROKEN),
  for: z.string(BROKEN),
  name: z
    .string('account-tokens.problem.no-name')
    .trim()
    .min(1, 'account-tokens.problem.no-name')
    .max(LONGEST_NAME, 'account-tokens.problem.long-name')
    .refine((name) => name.isWellFormed() && !/[\p{Cc}\p{Cf}]/u.test(name), 'account-tokens.problem.strange-name'),
  date: z.string('account-tokens.problem.no-date'),
});

/** Of a token that may be for one of these resource servers, with scopes of theirs. Throws `FormProblems`. */
export async function readTokenForm(ctx: RouterContext, offered: readonly ResourceServer[]): Promise<TokenForm> {
  const { id, for: identifier, name, date, ...others } = await readForm(ctx, Form);
  const server = offered.find((one) => one.identifier === identifier);
  if (server === undefined) {
    throw new PageError('malformed_form', 'there is no such resource server for this account');
  }
  const fields = { id, for: identifier, name, date, ...(others as Record<string, string>) };
  const scopes = server.scopes.map((scope) => scope.name).filter((scope) => others[`scope.${scope}`] === 'on');
  const expiresAt = endOfDay(date, new Date(Date.now() + TOKEN_DAYS.most * 24 * 3600 * 1000));
  const problems = {
    ...(scopes.length === 0 ? { scopes: 'account-tokens.problem.no-scopes' } : {}),
    ...(typeof expiresAt === 'string' ? { date: `account-tokens.problem.${expiresAt}` } : {}),
  };
  if (typeof expiresAt === 'string' || scopes.length === 0) {
    throw new FormProblems(problems, fields);
  }
  return { id, name, resourceServer: identifier, scopes, expiresAt, fields };
}

/** For `<input type="date">`. */
export function dayLimits() {
  return { first: dayIn(TOKEN_DAYS.least), last: dayIn(TOKEN_DAYS.most), suggested: dayIn(30) };
}
