import type { Middleware } from 'koa';
import { invalidRequest } from './read-body.ts';

/**
 * RFC 9112 §3.2.2: a request target may be a whole URL, of which only path and query go on. What is no URL would be an
 * error wherever it is looked at, so it ends here.
 */
export const originFormTarget: Middleware = async (ctx, next) => {
  if (!ctx.url.startsWith('/')) {
    const url = URL.parse(ctx.url);
    if (url === null || !/^https?:$/.test(url.protocol)) {
      throw invalidRequest('The request target is not a URL of this server.');
    }
    ctx.url = url.pathname + url.search;
  }
  await next();
};
