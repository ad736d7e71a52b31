import type Koa from 'koa';
import { isForPrograms, SAME_FOR_EVERYONE } from './protocol-endpoints.ts';

/** RFC 8705 §5: those of the metadata to which a client may want to show a certificate. */
const ENDPOINTS = [
  'token_endpoint',
  'revocation_endpoint',
  'introspection_endpoint',
  'userinfo_endpoint',
  'pushed_authorization_request_endpoint',
  'device_authorization_endpoint',
  'backchannel_authentication_endpoint',
] as const;

/** In whichever spelling: what is the same for everyone names the first address only. */
const PUBLISHED = /^\/(\.well-known|jwks)\b/i;

/**
 * A second address of the same endpoints, where the proxy asks for certificates: at the first one every browser would ask its
 * person for one. The metadata names it, and a request that was sent there is answered as one that was: proofs and
 * assertions name the address that they are for. Nothing else follows from it.
 */
export function mutualTlsAddress(app: Koa, mutualTlsOrigin: string): Koa.Middleware {
  const { host } = new URL(mutualTlsOrigin);
  const href = Object.getOwnPropertyDescriptor(app.request, 'href')?.get;
  Object.defineProperty(app.request, 'href', {
    get(this: Koa.Request) {
      const usual: string = href?.call(this);
      const isThere = this.req.headers.host === host && isForPrograms(this.path) && !PUBLISHED.test(this.path);
      return isThere ? atOrigin(mutualTlsOrigin, usual) : usual;
    },
  });
  return async (ctx, next) => {
    await next();
    const metadata = ctx.body as Record<string, unknown> | undefined;
    if (SAME_FOR_EVERYONE.has(ctx.path) && metadata?.token_endpoint !== undefined) {
      const present = ENDPOINTS.filter((name) => metadata[name] !== undefined);
      ctx.body = {
        ...metadata,
        mtls_endpoint_aliases: Object.fromEntries(
          present.map((name) => [name, atOrigin(mutualTlsOrigin, String(metadata[name]))]),
        ),
      };
    }
  };
}

function atOrigin(origin: string, url: string): string {
  const { pathname, search } = new URL(url);
  return origin + pathname + search;
}
