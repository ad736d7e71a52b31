import type { ParameterizedContext } from 'koa';
import { errors } from 'oidc-provider';

/** What the engine reads at other endpoints. */
const BODY_LIMIT = 56 * 1024;

/** The JSON object in the body of a request. Throws the standard's error. */
export async function readJson(ctx: ParameterizedContext): Promise<Readonly<Record<string, unknown>>> {
  if (!ctx.is('application/json')) {
    throw new errors.InvalidRequest('the body must be JSON, and its type application/json');
  }
  const chunks: Buffer[] = [];
  let received = 0;
  for await (const chunk of ctx.req.iterator({ destroyOnReturn: false })) {
    received += chunk.length;
    if (received > BODY_LIMIT) {
      throw new errors.InvalidRequest(`the body is longer than ${BODY_LIMIT} bytes`, 413);
    }
    chunks.push(chunk);
  }
  const value = parse(Buffer.concat(chunks).toString());
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new errors.InvalidRequest('the body must be a JSON object');
  }
  return value as Readonly<Record<string, unknown>>;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
