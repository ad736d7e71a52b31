import Router from '@koa/router';
import type { Context, Next } from 'koa';
import { z } from 'zod';
import { AuthorizationServer, isDenied, isOver, PendingSignIn, type Registration } from './authorization-server.ts';
import { Revocations } from './revocations.ts';
import { SealedCookie } from './sealed-cookie.ts';
import { requireOwnOrigin } from './security.ts';

export interface TokenHandlerOptions extends Registration {
  /** Seals the cookies. Another one, and everybody has to sign in again. */
  readonly cookieSecret: string;
  /** For the log: what nobody waits for has gone wrong. */
  readonly report: (problem: unknown) => void;
}

const PendingSignIns = z.array(PendingSignIn.extend({ returnTo: z.string() }));

/** Tabs that are on their way at once; a cookie holds no more than 4 kB. */
const MOST_AT_ONCE = 4;

/**
 * The part of the app that is no page: it holds the client secret, signs people in, and keeps the refresh token in a cookie
 * that the page cannot read. The page gets access tokens, one at a time and for as long as each lasts.
 */
export function tokenHandler({ cookieSecret, report, ...registration }: TokenHandlerOptions): Router {
  const { ownUrl } = registration;
  const authorizationServer = new AuthorizationServer(registration);
  const revocations = new Revocations({ revoke: (token) => authorizationServer.revoke(token), report });
  // Strict is possible because only our own page's requests need it; coming back from the other site needs Lax.
  const refreshCookie = new SealedCookie({
    name: '__Host-sample-spa-refresh',
    secret: cookieSecret,
    sameSite: 'strict',
  });
  const signInCookie = new SealedCookie({ name: '__Host-sample-spa-sign-in', secret: cookieSecret, sameSite: 'lax' });
  const router = new Router();

  router.get('/bff/sign-in', backToThePage, async (ctx) => {
    await revocations.catchUp();
    const { url, pending } = await authorizationServer.beginSignIn();
    const returnTo = pageAt(ctx.query.to, ownUrl);
    const others = readSignIns(signInCookie, ctx).slice(1 - MOST_AT_ONCE);
    signInCookie.write(ctx, JSON.stringify([...others, { ...pending, returnTo }]));
    seeOther(ctx, url.href);
  });

  router.get('/callback', backToThePage, async (ctx) => {
    const signIns = readSignIns(signInCookie, ctx);
    const pending = signIns.find(({ state }) => state === ctx.query.state);
    if (pending === undefined) {
      return seeOther(ctx, '/?sign-in=unknown');
    }
    const others = signIns.filter((one) => one !== pending);
    signInCookie.write(ctx, others.length > 0 ? JSON.stringify(others) : null);
    const { refreshToken } = await authorizationServer.finishSignIn(ctx.querystring, pending);
    refreshCookie.write(ctx, refreshToken);
    return seeOther(ctx, pending.returnTo);
  });

  router.post('/bff/token', requireOwnOrigin(ownUrl), async (ctx) => {
    const refreshToken = refreshCookie.read(ctx);
    if (refreshToken === undefined) {
      return signedOut(ctx);
    }
    try {
      const tokens = await authorizationServer.refresh(refreshToken);
      refreshCookie.write(ctx, tokens.refreshToken);
      ctx.body = { access_token: tokens.accessToken, expires_in: tokens.expiresIn };
    } catch (error) {
      if (!isOver(error)) {
        throw error;
      }
      refreshCookie.write(ctx, null);
      signedOut(ctx);
    }
  });

  /**
   * Ends it here at once, and says where the page has to go for the session at the authorization server. 202 where that does
   * not answer: what ends there, ends later or not at all. Waits for the refresh of another tab, whose cookie would come back.
   */
  router.post('/bff/sign-out', requireOwnOrigin(ownUrl), async (ctx) => {
    const refreshToken = refreshCookie.read(ctx);
    refreshCookie.write(ctx, null);
    const isEnded =
      refreshToken === undefined || (await revocations.revoke(await authorizationServer.newest(refreshToken)));
    const url = await authorizationServer.signOutUrl().catch(() => undefined);
    ctx.status = isEnded && url ? 200 : 202;
    ctx.body = { location: url?.href };
  });

  return router;
}

/** Browsers arrive here, and not the page's script: what goes wrong is told by the page. */
async function backToThePage(ctx: Context, next: Next): Promise<void> {
  try {
    await next();
  } catch (error) {
    seeOther(ctx, isDenied(error) ? '/?sign-in=denied' : '/?sign-in=failed');
    if (!isDenied(error)) {
      ctx.app.emit('error', error, ctx);
    }
  }
}

function readSignIns(cookie: SealedCookie, ctx: Context): z.infer<typeof PendingSignIns> {
  return PendingSignIns.parse(JSON.parse(cookie.read(ctx) ?? '[]'));
}

/**
 * The page to come back to: one of ours, whatever the link said. `//evil.example` is an address, too, and `/.//evil.example` has
 * it for its path: so the path never goes out without the origin in front.
 */
function pageAt(to: unknown, ownUrl: string): string {
  const url = typeof to === 'string' ? URL.parse(to, `${ownUrl}/`) : null;
  const { origin } = new URL(ownUrl);
  return url?.origin === origin ? origin + url.pathname : `${origin}/`;
}

function signedOut(ctx: Context): void {
  ctx.status = 401;
  ctx.body = { error: 'signed_out' };
}

/** 303: the browser goes on with GET. */
function seeOther(ctx: Context, target: string): void {
  ctx.redirect(target);
  ctx.status = 303;
}
