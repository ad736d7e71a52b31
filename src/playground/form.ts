import type { Context } from 'koa';
import type { z } from 'zod';

const LARGEST_FORM = 16 * 1024;

/** A posted form, checked; `undefined` when it is not what the schema says. */
export async function readForm<Schema extends z.ZodType>(
  ctx: Context,
  schema: Schema,
): Promise<z.infer<Schema> | undefined> {
  if (!ctx.is('application/x-www-form-urlencoded')) {
    return undefined;
  }
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of ctx.req as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > LARGEST_FORM) {
      ctx.throw(413, 'the form is too large');
    }
    chunks.push(chunk);
  }
  const fields = Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString('utf8')));
  return schema.safeParse(fields).data;
}
