import Router from '@koa/router';
import Koa from 'koa';
import { callbackRoutes } from './callback-routes.ts';
import { errorPage } from './error-page.ts';
import { flowRoutes } from './flow-routes.ts';
import { CATALOGUE } from './flows/catalogue.ts';
import { issuerRoutes } from './issuer-routes.ts';
import type { Issuer } from './issuers.ts';
import { loadAssets, loadPages } from './pages.ts';
import { Playground } from './playground.ts';
import { requireOwnHost, requireOwnOrigin, securityHeaders } from './security.ts';

export interface PlaygroundOptions {
  /** The authorization servers that may be talked to; the first is the one that a browser begins with. */
  readonly issuers: readonly Issuer[];
  /** Where browsers reach the playground, without a trailing slash; the redirect URIs start with it. */
  readonly ownUrl: string;
}

/** The demo client: every grant on a page of its own, and every request and response in the open. */
export function createPlayground({ issuers, ownUrl }: PlaygroundOptions): Koa {
  const render = loadPages({ ownUrl, catalogue: CATALOGUE });
  const playground = new Playground({ ownUrl, render, issuers });
  const app = new Koa();
  app.use(securityHeaders);
  app.use(errorPage(playground));
  app.use(requireOwnHost(ownUrl));
  app.use(requireOwnOrigin(ownUrl));
  app.use(assetRoutes().routes());
  app.use(issuerRoutes(playground).routes());
  app.use(flowRoutes(playground).routes());
  app.use(callbackRoutes(playground).routes());
  return app;
}

function assetRoutes(): Router {
  const assets = loadAssets();
  const router = new Router();
  router.get('/assets/:name', (ctx) => {
    const asset = assets.get(ctx.params.name ?? '');
    if (asset) {
      ctx.set('cache-control', 'no-cache');
      ctx.type = asset.type;
      ctx.body = asset.content;
    }
  });
  return router;
}
