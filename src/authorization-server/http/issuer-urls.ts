import type Koa from 'koa';
import { pathOfIssuer } from './issuer-path.ts';

/**
 * Every URL that leaves this server is built from the issuer, and none from what a request says of itself: not from
 * `Host`, `X-Forwarded-Host`, `X-Forwarded-Proto` or an absolute request target. So a proxy has nothing to tell us but
 * the client's address, and cookies are Secure exactly when the issuer is https.
 */
export function buildUrlsFromIssuer(app: Koa, issuer: string): void {
  const { protocol, host, hostname, origin } = new URL(issuer);
  const values = { protocol: protocol.slice(0, -1), host, hostname, origin, secure: protocol === 'https:' };
  for (const [name, value] of Object.entries(values)) {
    Object.defineProperty(app.request, name, { get: () => value });
  }
  const path = pathOfIssuer(issuer);
  // The engine puts it in front of every path that it makes, and so do our pages.
  app.context.mountPath = path;
  Object.defineProperty(app.request, 'href', {
    configurable: true, // mutual-tls-address.ts
    get(this: Koa.Request) {
      return origin + path + this.url;
    },
  });
}

/**
 * RFC 9112 §3.2.2: a request target may be a whole URL, whose authority is the sender's word like `Host` is. Only its
 * path and query go on. What is no URL would be an error wherever it is looked at, so it ends here.
 */
export function originFormTarget(): Koa.Middleware {
  return (ctx, next) => {
    if (!ctx.url.startsWith('/')) {
      const url = URL.parse(ctx.url);
      if (url === null || !/^https?:$/.test(url.protocol)) {
        ctx.status = 400;
        ctx.body = 'the request target is not a URL of this server';
        return;
      }
      ctx.url = url.pathname + url.search;
    }
    return next();
  };
}
