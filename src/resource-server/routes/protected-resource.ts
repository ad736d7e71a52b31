import Router from '@koa/router';
import { SCOPES } from './overview.ts';

export interface ProtectedResource {
  readonly identifier: string;
  readonly issuer: string;
}

/** RFC 9728 §3.1: the well-known part goes between the host and the path of the resource identifier. */
export function metadataUrl(identifier: string): URL {
  const url = new URL(identifier);
  url.pathname = `/.well-known/oauth-protected-resource${url.pathname.replace(/\/$/, '')}`;
  return url;
}

/** RFC 9728: tells a client where to get tokens for this resource server, and how to send them. Public. */
export function protectedResourceRoutes({ identifier, issuer }: ProtectedResource): Router {
  const metadata = {
    resource: identifier,
    authorization_servers: [issuer],
    scopes_supported: SCOPES,
    bearer_methods_supported: ['header'],
    resource_name: 'Concierge resource API',
  };
  const router = new Router();
  router.get(metadataUrl(identifier).pathname, (ctx) => {
    ctx.set('Cache-Control', 'public, max-age=3600');
    ctx.body = metadata;
  });
  return router;
}
