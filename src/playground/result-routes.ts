import Router from '@koa/router';
import * as openid from 'openid-client';
import type { AuthorizationServer } from './authorization-server.ts';
import type { BrowserSessions } from './browser-session.ts';
import { GRANTS } from './grants.ts';
import { ACTIONS, availableActions, type Outcome } from './outcome.ts';
import type { RenderPage } from './pages.ts';
import { describeProblem, NO_SESSION } from './problem.ts';
import { runAction } from './run-action.ts';

interface Dependencies {
  readonly authorizationServer: AuthorizationServer;
  readonly resourceApi: string;
  readonly ownUrl: string;
  readonly sessions: BrowserSessions;
  readonly render: RenderPage;
}

/** A session does not grow for ever, however often its buttons are pressed. */
const MOST_EXCHANGES = 30;

export function resultRoutes({ authorizationServer, resourceApi, ownUrl, sessions, render }: Dependencies): Router {
  const router = new Router();

  router.get('/result', (ctx) => {
    const outcome = sessions.find(ctx)?.outcome;
    if (!outcome) {
      ctx.redirect('/');
      return;
    }
    ctx.body = render('result', describeOutcome(outcome));
  });

  router.post('/actions/:action', async (ctx) => {
    const session = sessions.find(ctx);
    const action = ACTIONS.find((known) => known === ctx.params.action) ?? ctx.throw(404, 'there is no such action');
    if (!session?.outcome) {
      ctx.status = 409;
      ctx.body = render('problem', { problem: NO_SESSION });
      return;
    }
    const outcome = await runAction({ authorizationServer, resourceApi }, session.outcome, action);
    session.outcome = { ...outcome, exchanges: outcome.exchanges.slice(-MOST_EXCHANGES) };
    ctx.redirect('/result#answer');
    ctx.status = 303;
  });

  /** RP-Initiated Logout §2, with `client_id` in place of `id_token_hint`: no token ends up in a URL. */
  router.post('/sign-out', async (ctx) => {
    const session = sessions.find(ctx);
    const outcome = session?.outcome;
    if (session) {
      session.outcome = undefined;
    }
    ctx.redirect(
      outcome && GRANTS[outcome.grantName].redirectPath ? await signOutUrl(authorizationServer, outcome, ownUrl) : '/',
    );
    ctx.status = 303;
  });

  return router;
}

function describeOutcome(outcome: Outcome): Record<string, unknown> {
  const grant = GRANTS[outcome.grantName];
  return { ...outcome, mode: 'server', grant, actions: availableActions(grant, outcome.tokens) };
}

async function signOutUrl(authorizationServer: AuthorizationServer, outcome: Outcome, ownUrl: string): Promise<string> {
  try {
    const configuration = await authorizationServer.connect(GRANTS[outcome.grantName], []);
    return openid.buildEndSessionUrl(configuration, { post_logout_redirect_uri: `${ownUrl}/` }).href;
  } catch (thrown) {
    // Nothing to sign out of is left when the server is away: our own tokens are forgotten either way.
    if (describeProblem(thrown, authorizationServer.issuer)) {
      return '/';
    }
    throw thrown;
  }
}
