import type { IncomingMessage } from 'node:http';
import type { ParameterizedContext } from 'koa';
import type { z } from 'zod';
import { PageError } from './page-error.ts';

const MAX_BYTES = 16 * 1024;
/** The consent page has one for each scope. */
const MAX_FIELDS = 250;

/** A readable form that is not filled in as it should be; `problems` has a sentence per field. */
export class FormProblems extends Error {
  override readonly name = 'FormProblems';
  readonly problems: Readonly<Record<string, string>>;
  readonly fields: Readonly<Record<string, string>>;

  constructor(problems: Readonly<Record<string, string>>, fields: Readonly<Record<string, string>>) {
    super(`form not filled in: ${Object.keys(problems).join(', ')}`);
    this.problems = problems;
    this.fields = fields;
  }
}

/**
 * The fields of a form, as the schema describes them.
 *
 * Only what a browser's plain form sends gets through: a field is one string, so an array, an object, JSON or a file
 * has no way in. Throws `PageError` for what no browser would send, and `FormProblems` for what a person left out.
 */
export async function readForm<Schema extends z.ZodType>(
  ctx: ParameterizedContext,
  schema: Schema,
): Promise<z.infer<Schema>> {
  const fields = await readFields(ctx);
  const form = schema.safeParse(fields);
  if (!form.success) {
    throw new FormProblems(problemsOf(form.error), fields);
  }
  return form.data;
}

/** The fields of a form as they came, each once. Reads the body of a request once, however often it is called. */
export function readFields(ctx: ParameterizedContext): Promise<Readonly<Record<string, string>>> {
  ctx.state.fields ??= readUrlEncoded(ctx).then(parseFields);
  return ctx.state.fields;
}

/** The body of a form as it came. Throws `PageError` for another content type and for too much of it. */
export async function readUrlEncoded(ctx: ParameterizedContext): Promise<string> {
  if (!ctx.is('application/x-www-form-urlencoded')) {
    throw new PageError('malformed_form', 'the content type must be application/x-www-form-urlencoded');
  }
  if ((ctx.request.length ?? 0) > MAX_BYTES) {
    throw tooLarge();
  }
  const body = await readBody(ctx.req);
  if (body === undefined) {
    throw tooLarge();
  }
  return body;
}

function tooLarge(): PageError {
  return new PageError('form_too_large', `a form may have ${MAX_BYTES} bytes`);
}

/** `undefined` as soon as the body has more than it may have, whatever its Content-Length claimed. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  // The default would destroy the socket on the early return, and the answer with it.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    size += chunk.length;
    if (size > MAX_BYTES) {
      return undefined;
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseFields(body: string): Record<string, string> {
  const entries = [...new URLSearchParams(body)];
  if (entries.length > MAX_FIELDS) {
    throw new PageError('malformed_form', `a form may have ${MAX_FIELDS} fields`);
  }
  // PostgreSQL has no text with NUL in it.
  if (entries.some(([name, value]) => name.includes('\0') || value.includes('\0'))) {
    throw new PageError('malformed_form', 'a form may not contain NUL');
  }
  if (new Set(entries.map(([name]) => name)).size < entries.length) {
    throw new PageError('malformed_form', 'a field may be sent only once');
  }
  return Object.fromEntries(entries);
}

/** The first problem of each field, in the order of the fields. */
function problemsOf(error: z.ZodError): Record<string, string> {
  const problems = new Map<string, string>();
  for (const { path, message } of error.issues) {
    const field = path.join('.');
    problems.set(field, problems.get(field) ?? message);
  }
  return Object.fromEntries(problems);
}
