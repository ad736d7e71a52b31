import type { Context, Middleware } from 'koa';
import type { Logger } from 'pino';
import { isDatabaseUnavailable } from '../../database/unavailable.ts';
import { Refusal } from '../guard/refusal.ts';
import { invalidRequest } from './read-body.ts';

/**
 * The one shape of an error: `{ error, error_description }`, the words of RFC 6750 and RFC 6749.
 * Whatever is not a `Refusal` is ours to explain, in the log and under the request's id, and nobody else's to read.
 */
export function renderErrors(logger: Logger): Middleware {
  return async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      const refusal = error instanceof Refusal ? error : refusalFor(error, ctx);
      if (refusal.status >= 500) {
        const level = refusal.status === 503 ? 'warn' : 'error';
        logger[level]({ requestId: ctx.state.requestId, err: refusal.cause ?? refusal }, 'request failed');
      }
      ctx.status = refusal.status;
      ctx.set(refusal.headers);
      ctx.type = 'json';
      ctx.body = JSON.stringify({ error: refusal.code, error_description: refusal.message });
    }
  };
}

function refusalFor(cause: unknown, { req }: Context): Refusal {
  // The sender hung up in the middle of its own request: nobody waits for an answer, and nothing of ours failed.
  if (req.destroyed && !req.complete) {
    return invalidRequest('The request broke off.');
  }
  if (isDatabaseUnavailable(cause)) {
    return new Refusal({
      status: 503,
      code: 'temporarily_unavailable',
      description: 'The database cannot be reached right now. Try again shortly.',
      headers: { 'retry-after': '2' },
      cause,
    });
  }
  const description = 'Something went wrong here, not in your request. X-Request-Id finds it in the log.';
  return new Refusal({ status: 500, code: 'server_error', description, cause });
}
