import Router from '@koa/router';
import type { Context } from 'koa';
import { z } from 'zod';
import type { AuthorizationServer } from './authorization-server.ts';
import { keepRun } from './browser-session.ts';
import { receiveAnswer, redeem } from './code-grant.ts';
import { samplesForScripts, wordsForScripts } from './explain/words-for-scripts.ts';
import type { Flow } from './flow.ts';
import { findFlow } from './flows/catalogue.ts';
import { implicit, singlePageApp } from './flows/in-the-browser.ts';
import { readForm } from './form.ts';
import { contextOf, performAction } from './perform.ts';
import { type Playground, seeOther } from './playground.ts';
import { WRONG_STATE } from './problem.ts';
import { letScriptReach } from './security.ts';
import { describeUnasked } from './unasked-answer.ts';

const AnswerForm = z.record(z.string(), z.string());

/** The redirect URIs of the demo clients: where browsers come back to. */
export function callbackRoutes(playground: Playground): Router {
  const router = new Router();

  router.get('/callback', (ctx) => receive(playground, ctx));

  // No request of ours asks for response_mode=form_post: an answer in a form is somebody else's.
  router.post('/callback', async (ctx) => {
    const answer = (await readForm(ctx, AnswerForm)) ?? ctx.throw(400, 'an answer is a form');
    showUnasked(playground, ctx, new URLSearchParams(answer));
  });

  // The clients in these two pages are scripts: the answer is theirs, and this server never sees a token.
  for (const [path, flow] of [
    ['/spa/callback', singlePageApp],
    ['/implicit/callback', implicit],
  ] as const) {
    router.get(path, async (ctx) => {
      const server = playground.serverOf(playground.sessions.find(ctx));
      await letScriptReach(server, ctx);
      ctx.body = playground.page('browser-client', ctx, { flow, demoClient: demoClientOf(flow, server) });
    });
  }
  router.get('/words.json', (ctx) => {
    ctx.body = wordsForScripts();
  });
  router.get('/samples.json', (ctx) => {
    ctx.body = samplesForScripts(playground.serverOf(playground.sessions.find(ctx)).settings);
  });

  return router;
}

/** Who redeems a code of that page from a shell. */
function demoClientOf(flow: Flow, { settings: { isDemo, clients } }: AuthorizationServer): string | undefined {
  return isDemo && flow === singlePageApp ? clients.spa?.clientId : undefined;
}

async function receive(playground: Playground, ctx: Context): Promise<void> {
  const session = playground.sessions.find(ctx);
  const state = ctx.query.state;
  const pending = typeof state === 'string' ? session?.pending.take(state) : undefined;
  const flow = findFlow(pending?.run.flowName);
  if (!session || !pending || !flow) {
    if (session && !session.pending.isEmpty) {
      ctx.status = 400;
      ctx.body = playground.page('problem', ctx, { problem: WRONG_STATE });
      return;
    }
    showUnasked(playground, ctx, ctx.URL.searchParams);
    return;
  }
  const { run } = pending;
  const surroundings = { server: playground.serverOf(session), ownUrl: playground.ownUrl };
  keepRun(session, run);
  receiveAnswer(await contextOf(surroundings, flow, run), new URL(`${playground.ownUrl}/callback${ctx.search}`));
  // A refusal is told by the same checks that a code goes through.
  if (flow.redeemsAtOnce || run.parameters.until === 'tokens' || ctx.query.error !== undefined) {
    await performAction(surroundings, flow, run, redeem);
  }
  seeOther(ctx, `${flow.path}#now`);
}

function showUnasked(playground: Playground, ctx: Context, answer: URLSearchParams): void {
  const { settings } = playground.serverOf(playground.sessions.find(ctx));
  ctx.body = playground.page('unasked', ctx, { unasked: describeUnasked(answer, settings, playground.ownUrl) });
}
