import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { Middleware } from 'koa';
import type { Logger } from 'pino';

/** How a request ended. */
export interface Answered {
  readonly requestId: string;
  readonly path: string;
  readonly status: number;
  readonly milliseconds: number;
}

/** One line for each request, whoever answered it. */
export type LogRequest = (request: IncomingMessage, answered: Answered) => void;

export function createRequestLog(logger: Logger, trustedProxies: number): LogRequest {
  return (request, { requestId, path, status, milliseconds }) => {
    const { method } = request;
    const address = clientAddress(request, trustedProxies);
    logger.info({ requestId, method, path: loggedPath(path), status, address, milliseconds }, 'request');
  };
}

/**
 * Gives every request an id of ours, under which its log line, its audit rows and its error page are found, and logs it
 * when it is answered.
 */
export function identifyRequests(log: LogRequest): Middleware {
  return async (ctx, next) => {
    const requestId = randomUUID();
    const startedAt = performance.now();
    ctx.state.requestId = requestId;
    ctx.state.arrivedAt = startedAt;
    ctx.res.setHeader('X-Request-Id', requestId);
    await next();
    const milliseconds = Math.round(performance.now() - startedAt);
    log(ctx.req, { requestId, path: ctx.path, status: ctx.status, milliseconds });
  };
}

/** What the outermost trusted proxy saw (app.ts: how many there are), or else who is at the other end of the connection. */
function clientAddress({ headers, socket }: IncomingMessage, trustedProxies: number): string | undefined {
  const forwardedFor = trustedProxies > 0 ? headers['x-forwarded-for'] : undefined;
  const [seen = ''] = String(forwardedFor ?? '')
    .split(/\s*,\s*/)
    .slice(-trustedProxies);
  return isIP(seen) ? seen : socket.remoteAddress;
}

/**
 * Without the query, which may hold a code or a token, without the id of an interaction, which is a cookie too, and without
 * what opens a link in a mail.
 */
export function loggedPath(path: string): string {
  return path
    .replace(/^\/(interaction|auth|device(?!\/auth\/?$))\/[^/]+/i, '/$1/:uid')
    .replace(/^\/links\/[^/]+/i, '/links/:token');
}

/** Milliseconds since the request arrived. */
export function ageOf(ctx: { readonly state: Record<string, unknown> }): number {
  const { arrivedAt } = ctx.state;
  return typeof arrivedAt === 'number' ? performance.now() - arrivedAt : 0;
}
