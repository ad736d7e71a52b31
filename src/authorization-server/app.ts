import type Router from '@koa/router';
import Koa from 'koa';
import mount from 'koa-mount';
import type Provider from 'oidc-provider';
import type { Logger } from 'pino';
import { cookieAttributes } from './http/cookie-attributes.ts';
import { buildUrlsFromIssuer, originFormTarget } from './http/issuer-urls.ts';
import { protocolEndpoints } from './http/protocol-endpoints.ts';
import { requestLog } from './http/request-id.ts';
import { retryAfter } from './http/retry-after.ts';
import { securityHeaders } from './http/security-headers.ts';
import { healthRoutes, type Readiness } from './operations/health.ts';
import { errorPages } from './pages/error.ts';
import { type InteractionPages, interactionPages } from './pages/interaction.ts';
import { landingPage } from './pages/landing.ts';
import { requestByPost } from './pages/request-by-post.ts';

export interface AuthorizationServerDeps extends Omit<InteractionPages, 'provider'> {
  readonly provider: Provider;
  readonly cookieKeys: readonly string[];
  /** How many proxies stand in front; the client's address is what the outermost of them saw. */
  readonly trustedProxies: number;
  readonly readiness: Readiness;
  readonly logger: Logger;
}

/** The authorization server: everything a request passes through, from the outside in. */
export function createAuthorizationServer(deps: AuthorizationServerDeps): Koa {
  const { provider, page, logger } = deps;
  const { issuer } = provider;
  const app = new Koa({
    // Cookies of the pages and of the engine are signed alike.
    keys: [...deps.cookieKeys],
    proxy: deps.trustedProxies > 0,
    maxIpsCount: deps.trustedProxies,
  });
  buildUrlsFromIssuer(app, issuer);
  app.on('error', (err, ctx) => {
    const requestId = ctx?.state?.requestId;
    if (err.headerSent) {
      // The sender broke its own request or hung up: nothing of ours failed.
      logger.warn({ requestId, err }, 'response broke off');
    } else {
      logger.error({ requestId, err }, 'unexpected error');
    }
  });

  app.use(originFormTarget());
  app.use(requestLog(logger));
  app.use(securityHeaders(issuer));
  app.use(cookieAttributes());
  app.use(retryAfter());
  app.use(errorPages({ page }));
  app.use(healthRoutes(deps.readiness));
  app.use(protocolEndpoints());
  app.use(requestByPost());
  app.use(page.assets);
  app.use(routesOf(landingPage({ ...deps, provider: () => provider })));
  app.use(routesOf(interactionPages({ ...deps, provider: () => provider })));
  app.use(mount(provider));
  return app;
}

function routesOf(router: Router) {
  return router.routes();
}
