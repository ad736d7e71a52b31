import Router from '@koa/router';
import Koa from 'koa';
import { AuthorizationServer } from './authorization-server.ts';
import { BrowserSessions } from './browser-session.ts';
import { deviceRoutes } from './device-routes.ts';
import { errorPage } from './error-page.ts';
import { grantRoutes } from './grant-routes.ts';
import { GRANTS } from './grants.ts';
import { loadAssets, loadPages, type RenderPage } from './pages.ts';
import { resultRoutes } from './result-routes.ts';
import { requireOwnHost, requireOwnOrigin, securityHeaders } from './security.ts';

export interface PlaygroundOptions {
  /** The authorization server's issuer URL. */
  readonly issuer: string;
  readonly resourceApi: string;
  /** Where browsers reach the playground, without a trailing slash; the redirect URIs start with it. */
  readonly ownUrl: string;
}

/** The demo client: every grant behind a button, and every request and response in the open. */
export function createPlayground({ issuer, resourceApi, ownUrl }: PlaygroundOptions): Koa {
  const authorizationServer = new AuthorizationServer(issuer);
  const sessions = new BrowserSessions(ownUrl);
  const render = loadPages({ issuer, resourceApi, ownUrl, grants: GRANTS });
  const app = new Koa();
  const origins = { issuer, resourceApi, ownUrl };
  app.use(securityHeaders(origins));
  app.use(errorPage(render));
  app.use(requireOwnHost(origins));
  app.use(requireOwnOrigin(origins));
  app.use(pageRoutes(sessions, render).routes());
  app.use(grantRoutes({ authorizationServer, sessions, ownUrl, render }).routes());
  app.use(deviceRoutes({ authorizationServer, sessions, ownUrl, render }).routes());
  app.use(resultRoutes({ authorizationServer, resourceApi, ownUrl, sessions, render }).routes());
  return app;
}

function pageRoutes(sessions: BrowserSessions, render: RenderPage): Router {
  const assets = loadAssets();
  const router = new Router();
  router.get('/', (ctx) => {
    ctx.body = render('home', { outcome: sessions.find(ctx)?.outcome });
  });
  // The clients in these two pages are scripts: the answer is theirs, and this server never sees a token.
  router.get('/spa/callback', (ctx) => {
    ctx.body = render('result', { mode: 'browser', grant: GRANTS.spa });
  });
  router.get('/implicit/callback', (ctx) => {
    ctx.body = render('result', { mode: 'browser', grant: { ...GRANTS['implicit-token'], title: 'Implicit' } });
  });
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
