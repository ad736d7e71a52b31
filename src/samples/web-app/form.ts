import type { Context } from 'koa';
import type { z } from 'zod';

const LARGEST_FORM = 64 * 1024;

/** The fields of a posted form; whatever is not what the schema says is a 400 with its first mistake. */
export async function readForm<Schema extends z.ZodType>(ctx: Context, schema: Schema): Promise<z.infer<Schema>> {
  if (!ctx.is('application/x-www-form-urlencoded')) {
    ctx.throw(415, 'This takes forms only.');
  }
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of ctx.req as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > LARGEST_FORM) {
      ctx.throw(413, 'That is more than this form can hold.');
    }
    chunks.push(chunk);
  }
  const form = schema.safeParse(Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString('utf8'))));
  if (!form.success) {
    const [issue] = form.error.issues;
    return ctx.throw(400, `${issue?.path.join('.')}: ${issue?.message}`);
  }
  return form.data;
}
