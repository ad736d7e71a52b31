import type { IncomingMessage } from 'node:http';
import type { Context } from 'koa';
import type { z } from 'zod';
import { Refusal } from '../guard/refusal.ts';

const LARGEST_JSON = 64 * 1024;

/** The request's body, chunk by chunk as it is asked for; a refusal as soon as it proves larger than `limit` bytes. */
export async function* bodyOf(request: IncomingMessage, limit: number): AsyncGenerator<Buffer> {
  let size = Number(request.headers['content-length'] ?? 0);
  refuseLarger(size, limit);
  size = 0;
  // Leaving the loop early must not destroy the socket: the refusal still has to go out through it.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    size += chunk.length;
    refuseLarger(size, limit);
    yield chunk;
  }
}

export async function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(bodyOf(request, limit)));
}

/** A JSON body that fits the schema, or a refusal that says where it does not. */
export async function readJson<T>(ctx: Context, schema: z.ZodType<T>): Promise<T> {
  if (ctx.request.type !== 'application/json' || ctx.get('Content-Encoding') !== '') {
    throw unsupportedMediaType('Send the body as application/json, without a Content-Encoding.');
  }
  const result = schema.safeParse(parseJson(await readBody(ctx.req, LARGEST_JSON)));
  if (!result.success) {
    throw invalidRequest(describe(result.error));
  }
  return result.data;
}

export function describe(error: z.ZodError): string {
  return error.issues.map(({ path, message }) => `${path.join('.') || 'The body'}: ${message}`).join('; ');
}

export function invalidRequest(description: string): Refusal {
  return new Refusal({ status: 400, code: 'invalid_request', description });
}

export function unsupportedMediaType(description: string): Refusal {
  return new Refusal({ status: 415, code: 'unsupported_media_type', description });
}

function refuseLarger(size: number, limit: number): void {
  if (size > limit) {
    throw new Refusal({ status: 413, code: 'content_too_large', description: `At most ${limit} bytes, please.` });
  }
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw invalidRequest('The body is not valid JSON in UTF-8.');
  }
}
