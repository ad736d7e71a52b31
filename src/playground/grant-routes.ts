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
import { describeProblem, WRONG_STATE } from './problem.ts';
import {
  beginAuthorizationCode,
  finishAuthorizationCode,
  type GrantContext,
  runClientCredentials,
  runPassword,
} from './run-grant.ts';
import { describeUnasked } from './unasked-answer.ts';

const AnswerForm = z.record(z.string(), z.string());
const PasswordForm = z.object({ username: z.string().max(320), password: z.string().max(1024) });

interface Dependencies {
  readonly authorizationServer: AuthorizationServer;
  readonly sessions: BrowserSessions;
  readonly ownUrl: string;
  readonly render: RenderPage;
}

/** The grants whose client is this server. Each ends at the result page, whatever came of it. */
export function grantRoutes(dependencies: Dependencies): Router {
  const { authorizationServer, sessions, ownUrl } = dependencies;
  const router = new Router();

  router.post('/grants/authorization-code', async (ctx) => {
    const session = sessions.findOrCreate(ctx);
    let target = '/result';
    await walk({ authorizationServer, ownUrl, session }, 'authorization-code', async (context) => {
      const { url, pending } = await beginAuthorizationCode(context);
      session.pending.remember(pending);
      target = url.href;
      return undefined;
    });
    seeOther(ctx, target);
  });

  router.get('/callback', (ctx) => receiveCode(dependencies, ctx));

  // No request of ours asks for response_mode=form_post: an answer in a form is somebody else's.
  router.post('/callback', async (ctx) => {
    const answer = (await readForm(ctx, AnswerForm)) ?? ctx.throw(400, 'an answer is a form');
    showUnasked(dependencies, ctx, new URLSearchParams(answer));
  });

  router.post('/grants/password', async (ctx) => {
    const credentials = (await readForm(ctx, PasswordForm)) ?? ctx.throw(400, 'username and password are needed');
    const session = sessions.findOrCreate(ctx);
    await walk({ authorizationServer, ownUrl, session }, 'password', (context) => runPassword(context, credentials));
    seeOther(ctx, '/result');
  });

  router.post('/grants/client-credentials', async (ctx) => {
    const session = sessions.findOrCreate(ctx);
    await walk({ authorizationServer, ownUrl, session }, 'client-credentials', runClientCredentials);
    seeOther(ctx, '/result');
  });

  return router;
}

async function receiveCode(dependencies: Dependencies, ctx: Context): Promise<void> {
  const { authorizationServer, sessions, ownUrl, render } = dependencies;
  const session = sessions.find(ctx);
  const state = ctx.query.state;
  const pending = typeof state === 'string' ? session?.pending.take(state) : undefined;
  if (!session || !pending) {
    if (session && !session.pending.isEmpty) {
      ctx.status = 400;
      ctx.body = render('problem', { problem: WRONG_STATE });
      return;
    }
    showUnasked(dependencies, ctx, ctx.URL.searchParams);
    return;
  }
  const callbackUrl = new URL(`${ownUrl}/callback${ctx.search}`);
  await walk({ authorizationServer, ownUrl, session }, 'authorization-code', (context) =>
    finishAuthorizationCode(context, callbackUrl, pending),
  );
  seeOther(ctx, '/result');
}

function showUnasked(
  { authorizationServer: { issuer }, ownUrl, render }: Dependencies,
  ctx: Context,
  answer: URLSearchParams,
): void {
  ctx.body = render('unasked', { unasked: describeUnasked(answer, { issuer, ownUrl }) });
}

interface Walk {
  readonly authorizationServer: AuthorizationServer;
  readonly ownUrl: string;
  readonly session: BrowserSession;
}

/** `run` gives the tokens, or nothing yet when the browser has to go elsewhere first. */
async function walk(
  { authorizationServer, ownUrl, session }: Walk,
  grantName: GrantName,
  run: (context: GrantContext) => Promise<Tokens | undefined>,
): Promise<void> {
  const exchanges: Exchange[] = [];
  const outcome = { grantName, tokens: {}, problem: undefined, exchanges, answer: undefined };
  try {
    const tokens = await run({ authorizationServer, ownUrl, exchanges });
    session.outcome = tokens && { ...outcome, tokens };
  } catch (thrown) {
    const problem = describeProblem(thrown, authorizationServer.issuer);
    if (!problem) {
      throw thrown;
    }
    session.outcome = { ...outcome, problem };
  }
}

/** 303: the browser goes on with GET, and reloading the page it reaches repeats nothing. */
function seeOther(ctx: Context, target: string): void {
  ctx.redirect(target);
  ctx.status = 303;
}
