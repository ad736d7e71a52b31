import Router from '@koa/router';
import Koa, { type Context, type Middleware } from 'koa';
import { z } from 'zod';
import { AuthorizationServer, type Registration } from './authorization-server.ts';
import { readForm } from './form.ts';
import { loadAssets, loadPages, type Pages } from './pages.ts';
import { problemOf, SignedOutHere, UnknownSignIn } from './problems.ts';
import { ResourceApi, SessionEnded } from './resource-api.ts';
import { Revocations } from './revocations.ts';
import { requireOwnOrigin, securityHeaders } from './security.ts';
import { Sessions } from './sessions.ts';

export interface WebAppOptions extends Registration {
  readonly resourceApi: string;
}

interface Parts {
  readonly authorizationServer: AuthorizationServer;
  readonly revocations: Revocations;
  readonly api: ResourceApi;
  readonly sessions: Sessions;
  readonly pages: Pages;
  readonly ownUrl: string;
}

const RecordForm = z.object({ title: z.string().trim().min(1).max(200), body: z.string().max(10_000) });
const LogoutForm = z.object({ logout_token: z.string().max(16_384) });

/** What the scopes are for, to tell the person which of them this app has been given. */
const PERMISSIONS = [
  { scope: 'records:read', words: 'see your records' },
  { scope: 'records:write', words: 'write records for you' },
] as const;

/**
 * A web app whose pages are made on the server. The browser has a cookie with a random name for its session; access
 * token, refresh token and ID token stay here.
 */
export function createWebApp({ resourceApi, ...registration }: WebAppOptions): Koa {
  const { issuer, ownUrl } = registration;
  const authorizationServer = new AuthorizationServer(registration);
  const api = new ResourceApi(resourceApi, authorizationServer);
  const app = new Koa();
  const revocations = new Revocations({
    revoke: (token) => authorizationServer.revoke(token),
    report: (problem) => app.emit('error', problem),
  });
  const sessions = new Sessions(ownUrl);
  const parts = { authorizationServer, revocations, api, sessions, pages: loadPages(issuer), ownUrl };
  app.use(securityHeaders(issuer));
  app.use(showProblems(parts));
  app.use(assetRoutes().routes());
  app.use(signInRoutes(parts).routes());
  app.use(signOutRoutes(parts).routes());
  app.use(recordRoutes(parts).routes());
  return app;
}

function signInRoutes({ authorizationServer, revocations, sessions }: Parts): Router {
  const router = new Router();

  router.get('/sign-in', async (ctx) => {
    await revocations.catchUp();
    const { url, pending } = await authorizationServer.beginSignIn(ctx.query.ask === 'again');
    sessions.beginSignIn(ctx, pending);
    seeOther(ctx, url.href);
  });

  router.get('/callback', async (ctx) => {
    const pending = sessions.takeSignIn(ctx);
    if (pending !== undefined) {
      sessions.create(ctx, await authorizationServer.finishSignIn(ctx.querystring, pending));
    } else if (sessions.find(ctx) === undefined) {
      throw new UnknownSignIn();
    }
    // Without the code in the address; and so ends who came back here by the Back button, and is signed in.
    seeOther(ctx, '/');
  });

  return router;
}

function signOutRoutes({ authorizationServer, revocations, sessions, ownUrl }: Parts): Router {
  const router = new Router();

  router.post('/sign-out', requireOwnOrigin(ownUrl), async (ctx) => {
    const session = sessions.find(ctx);
    sessions.end(ctx);
    if (session === undefined) {
      return seeOther(ctx, '/');
    }
    // What a refresh still brings is to be revoked as well.
    await session.refreshing?.catch(() => undefined);
    const { accessToken, refreshToken = accessToken } = session.tokens;
    const isEnded = await revocations.revoke(refreshToken);
    const { href } = await authorizationServer.signOutUrl(session.tokens);
    if (!isEnded) {
      throw new SignedOutHere(href);
    }
    return seeOther(ctx, href);
  });

  /**
   * OpenID Connect Back-Channel Logout 1.0: the server itself comes and says whose session is over, without any browser and
   * so without cookie or Origin. Its signature is what counts.
   */
  router.post('/back-channel-logout', async (ctx) => {
    const form = await readForm(ctx, LogoutForm);
    const ended = await authorizationServer.readLogoutToken(form.logout_token).catch(() => {
      return ctx.throw(400, 'That is no logout token for this app.');
    });
    // Without a memory for `jti`: the same notice again ends what is over already.
    sessions.endAll(ended);
    ctx.body = '';
  });

  return router;
}

function recordRoutes({ api, sessions, pages, ownUrl }: Parts): Router {
  const router = new Router();

  router.get('/', async (ctx) => {
    const session = sessions.find(ctx);
    if (session === undefined) {
      ctx.body = pages.welcome();
      return;
    }
    const { person, subject, tokens } = session;
    const permissions = PERMISSIONS.map((one) => ({ ...one, granted: tokens.scopes.has(one.scope) }));
    const records = tokens.scopes.has('records:read') ? await api.records(session) : undefined;
    ctx.body = pages.home({ person, subject, permissions, records });
  });

  // Whether the session may do that is the API's business: the page only leaves the form out, for who cannot use it.
  router.post('/records', requireOwnOrigin(ownUrl), async (ctx) => {
    const session = sessions.find(ctx);
    if (session === undefined) {
      throw new SessionEnded();
    }
    await api.createRecord(session, await readForm(ctx, RecordForm));
    seeOther(ctx, '/');
  });

  return router;
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

/** Every refusal is a page with a way on. Only what nobody foresaw is a 500, and goes to the log. */
function showProblems({ pages, sessions }: Parts): Middleware {
  return async (ctx, next) => {
    try {
      await next();
      if (ctx.status === 404 && !ctx.body) {
        ctx.throw(404);
      }
    } catch (thrown) {
      const problem = problemOf(thrown);
      if (problem.status === 500) {
        ctx.app.emit('error', thrown, ctx);
      }
      if (thrown instanceof SessionEnded) {
        sessions.end(ctx);
      }
      ctx.status = problem.status;
      ctx.body = pages.problem(problem);
    }
  };
}

/** 303: the browser goes on with GET, and reloading where it arrives repeats nothing. */
function seeOther(ctx: Context, target: string): void {
  ctx.redirect(target);
  ctx.status = 303;
}
