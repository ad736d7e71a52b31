import Router from '@koa/router';
import type { Context } from 'koa';
import { z } from 'zod';
import type { AuthorizationServer } from './authorization-server.ts';
import type { BrowserSession, BrowserSessions } from './browser-session.ts';
import type { Exchange } from './exchange.ts';
import { readForm } from './form.ts';
import type { GrantName } from './grants.ts';
import type { Tokens } from './outcome.ts';
import type { RenderPage } from './pages.ts';
import { describeProblem, UNKNOWN_STATE } from './problem.ts';
import {
  beginAuthorizationCode,
  finishAuthorizationCode,
  type GrantContext,
  runClientCredentials,
  runPassword,
} from './run-grant.ts';

const PasswordForm = z.object({ username: z.string().max(320), password: z.string().max(1024) });

interface Dependencies {
  readonly authorizationServer: AuthorizationServer;
  readonly sessions: BrowserSessions;
  readonly ownUrl: string;
  readonly render: RenderPage;
}

/** The grants whose client is this server. Each ends at the result page, whatever came of it. */
export function grantRoutes({ authorizationServer, sessions, ownUrl, render }: Dependencies): Router {
  const router = new Router();
  const contextWith = (exchanges: Exchange[]): GrantContext => ({ authorizationServer, ownUrl, exchanges });

  async function walk(
    session: BrowserSession,
    grantName: GrantName,
    exchanges: Exchange[],
    run: (context: GrantContext) => Promise<Tokens>,
  ): Promise<void> {
    const outcome = { grantName, tokens: {}, problem: undefined, exchanges, answer: undefined };
    try {
      session.outcome = { ...outcome, tokens: await run(contextWith(exchanges)) };
    } catch (thrown) {
      const problem = describeProblem(thrown, authorizationServer.issuer);
      if (!problem) {
        throw thrown;
      }
      session.outcome = { ...outcome, problem };
    }
  }

  router.post('/grants/authorization-code', async (ctx) => {
    const session = sessions.findOrCreate(ctx);
    let target = '/result';
    await walk(session, 'authorization-code', [], async (context) => {
      const { url, pending } = await beginAuthorizationCode(context);
      session.pending.remember(pending);
      target = url.href;
      return {};
    });
    seeOther(ctx, target);
  });

  router.get('/callback', async (ctx) => {
    const session = sessions.find(ctx);
    const state = ctx.query.state;
    const pending = typeof state === 'string' ? session?.pending.take(state) : undefined;
    if (!session || !pending) {
      ctx.status = 400;
      ctx.body = render('problem', { problem: UNKNOWN_STATE });
      return;
    }
    const callbackUrl = new URL(`${ownUrl}/callback${ctx.search}`);
    const begun = session.outcome?.grantName === 'authorization-code' ? session.outcome.exchanges : [];
    await walk(session, 'authorization-code', [...begun], (context) =>
      finishAuthorizationCode(context, callbackUrl, pending),
    );
    seeOther(ctx, '/result');
  });

  router.post('/grants/password', async (ctx) => {
    const credentials = (await readForm(ctx, PasswordForm)) ?? ctx.throw(400, 'username and password are needed');
    await walk(sessions.findOrCreate(ctx), 'password', [], (context) => runPassword(context, credentials));
    seeOther(ctx, '/result');
  });

  router.post('/grants/client-credentials', async (ctx) => {
    await walk(sessions.findOrCreate(ctx), 'client-credentials', [], runClientCredentials);
    seeOther(ctx, '/result');
  });

  return router;
}

/** 303: the browser goes on with GET, and reloading the page it reaches repeats nothing. */
function seeOther(ctx: Context, target: string): void {
  ctx.redirect(target);
  ctx.status = 303;
}
