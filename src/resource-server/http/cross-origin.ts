import cors from '@koa/cors';
import type { Middleware } from 'koa';

/**
 * CORS for pages of these origins. Without credentials: the API knows no cookies.
 * Any other origin gets no CORS header at all, and the browser keeps the answer from its page.
 */
export function crossOrigin(allowedOrigins: readonly string[]): Middleware {
  const allowed = new Set(allowedOrigins);
  return cors({
    origin: (ctx) => {
      const origin = ctx.get('Origin');
      return allowed.has(origin) ? origin : '';
    },
    allowMethods: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'],
    allowHeaders: ['Authorization', 'Content-Type', 'DPoP'],
    exposeHeaders: ['WWW-Authenticate', 'DPoP-Nonce', 'Location', 'Retry-After', 'X-Request-Id'],
    maxAge: 600,
    keepHeadersOnError: false, // what is set here stays when renderErrors writes a refusal
  });
}
