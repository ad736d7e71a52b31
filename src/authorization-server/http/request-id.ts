import { randomUUID } from 'node:crypto';
import { isIP } from 'node:net';
import type { Middleware, ParameterizedContext } from 'koa';
import type { Logger } from 'pino';

/**
 * Gives every request an id of ours, under which its log line, its audit rows and its error page are found, and logs it
 * when it is answered.
 */
export function requestLog(logger: Logger): Middleware {
  return async (ctx, next) => {
    const requestId = randomUUID();
    const startedAt = performance.now();
    ctx.state.requestId = requestId;
    ctx.state.arrivedAt = startedAt;
    ctx.set('X-Request-Id', requestId);
    await next();
    const milliseconds = Math.round(performance.now() - startedAt);
    const path = loggedPath(ctx.path);
    const { method, status } = ctx;
    logger.info({ requestId, method, path, status, address: addressOf(ctx), milliseconds }, 'request');
  };
}

/** What the outermost trusted proxy saw (app.ts: how many there are), or else who is at the other end of the connection. */
function addressOf(ctx: ParameterizedContext): string | undefined {
  return isIP(ctx.ip) ? ctx.ip : ctx.req.socket.remoteAddress;
}

/** Without the query, which may hold a code or a token, and without the id of an interaction, which is a cookie too. */
export function loggedPath(path: string): string {
  return path.replace(/^\/(interaction|auth)\/[^/]+/i, '/$1/:uid');
}

/** Milliseconds since the request arrived. */
export function ageOf(ctx: { readonly state: Record<string, unknown> }): number {
  const { arrivedAt } = ctx.state;
  return typeof arrivedAt === 'number' ? performance.now() - arrivedAt : 0;
}
