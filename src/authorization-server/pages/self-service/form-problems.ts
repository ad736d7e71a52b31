import type { ParameterizedContext } from 'koa';
import type { z } from 'zod';
import { TooBusy } from '../../accounts/too-busy.ts';
import type { Translate } from '../../languages/languages.ts';
import type { Problem, Problems } from '../../self-service/problem.ts';
import { FormProblems, readForm } from '../form.ts';

/** What a page says of a form that was not taken, by field. */
export interface Refusal {
  readonly status: number;
  readonly problems: Readonly<Record<string, string>>;
}

const BUSY: Problem = { key: 'self-service.problem.busy' };

/** Of a form whose schema has keys of messages: its fields, or what is wrong with them. */
export async function readFilledIn<Schema extends z.ZodType>(
  ctx: ParameterizedContext,
  schema: Schema,
  t: Translate,
): Promise<{ form: z.infer<Schema> } | { refusal: Refusal; fields: Readonly<Record<string, string>> }> {
  try {
    return { form: await readForm(ctx, schema) };
  } catch (error) {
    if (!(error instanceof FormProblems)) {
      throw error;
    }
    const problems = Object.entries(error.problems).map(([field, key]) => [field, t(key)]);
    return { refusal: { status: 400, problems: Object.fromEntries(problems) }, fields: error.fields };
  }
}

export function refusalOf(problems: Problems<string>, t: Translate): Refusal {
  const status = problems.form?.key.endsWith('.too-often') ? 429 : 400;
  const said = Object.entries(problems).flatMap(([field, problem]) =>
    problem === undefined ? [] : [[field, t(problem.key, problem.values)]],
  );
  return { status, problems: Object.fromEntries(said) };
}

/** 503 with Retry-After where too many passwords are worked on. */
export async function orBusy<Result>(
  ctx: ParameterizedContext,
  t: Translate,
  work: () => Promise<Result>,
): Promise<Result | { refusal: Refusal }> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof TooBusy)) {
      throw error;
    }
    ctx.set('Retry-After', String(error.retryAfterSeconds));
    return { refusal: { status: 503, problems: { form: t(BUSY.key) } } };
  }
}
