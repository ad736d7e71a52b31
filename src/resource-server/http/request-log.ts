import { randomUUID } from 'node:crypto';
import type { Middleware } from 'koa';
import type { Logger } from 'pino';

/**
 * Gives each request an id, and one line in the log: the route as it is written in the code, never the path, the query
 * or a header, because senders put tokens into all of them.
 */
export function requestLog(logger: Logger): Middleware {
  return async (ctx, next) => {
    const started = performance.now();
    const requestId = randomUUID();
    ctx.state.requestId = requestId;
    ctx.set('X-Request-Id', requestId);
    ctx.res.once('close', () => {
      logger.info({
        requestId,
        method: ctx.method,
        route: ctx._matchedRoute,
        status: ctx.status,
        clientId: ctx.state.token?.clientId,
        ms: Math.round(performance.now() - started),
      });
    });
    await next();
  };
}
