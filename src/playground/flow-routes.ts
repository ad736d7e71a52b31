import Router from '@koa/router';
import type { Context } from 'koa';
import * as openid from 'openid-client';
import { z } from 'zod';
import { type BrowserSession, keepRun } from './browser-session.ts';
import type { Flow } from './flow.ts';
import { showFlow } from './flow-page.ts';
import { CATALOGUE } from './flows/catalogue.ts';
import { readForm } from './form.ts';
import { initialParameters } from './home-page.ts';
import { clientOf, performAction, performBreaker } from './perform.ts';
import { type Playground, seeOther } from './playground.ts';
import { describeProblem, NO_SESSION } from './problem.ts';
import { createRun, type Run } from './run.ts';

const LONGEST_PARAMETER = 2000;

/** A page for each flow, and its buttons. Where the client is a script, the page is all there is here. */
export function flowRoutes(playground: Playground): Router {
  const router = new Router();
  for (const flow of CATALOGUE.flatMap(({ flows }) => flows)) {
    router.get(flow.path, (ctx) => showFlow(playground, flow, ctx));
    if (flow.runsIn === 'server') {
      router.post(`${flow.path}/start`, (ctx) => start(playground, flow, ctx));
      router.post(`${flow.path}/actions/:action`, (ctx) => act(playground, flow, ctx));
      router.post(`${flow.path}/break/:breaker`, (ctx) => attack(playground, flow, ctx));
      router.post(`${flow.path}/sign-out`, (ctx) => signOut(playground, flow, ctx));
    }
  }
  return router;
}

/** What is not in the form has its initial value: the first page sends none. */
function formOf(flow: Flow) {
  const fields = flow.fields.map(({ name, options }) => {
    const text = options ? z.enum(options as [string, ...string[]]) : z.string().max(LONGEST_PARAMETER).trim();
    return [name, text.optional()] as const;
  });
  return z.object({ ...Object.fromEntries(fields), until: z.enum(['tokens']).optional() });
}

async function start(playground: Playground, flow: Flow, ctx: Context): Promise<void> {
  const given = (await readForm(ctx, formOf(flow))) ?? ctx.throw(400, 'that is not what the form asks for');
  const session = playground.sessions.findOrCreate(ctx, playground.serverOf(undefined));
  const server = playground.serverOf(session);
  if (clientOf(flow, server.settings) === undefined) {
    ctx.throw(409, 'no client is registered here for this flow');
  }
  const run = createRun(flow.name, {
    ...initialParameters(flow, server.settings),
    ...(given as Record<string, string>),
  });
  keepRun(session, run);
  await performAction({ server, ownUrl: playground.ownUrl }, flow, run, flow.start);
  if (run.leaveTo !== undefined && run.code !== undefined) {
    session.pending.remember({ state: run.code.state, run });
  }
  seeOther(ctx, run.leaveTo ?? `${flow.path}#now`);
}

async function act(playground: Playground, flow: Flow, ctx: Context): Promise<void> {
  const action =
    flow.actions.find(({ name }) => name === ctx.params.action) ?? ctx.throw(404, 'there is no such button');
  const { session, run } = runOf(playground, flow, ctx) ?? {};
  if (session === undefined || run === undefined) {
    return nothingToDo(playground, ctx);
  }
  await performAction({ server: playground.serverOf(session), ownUrl: playground.ownUrl }, flow, run, action);
  return seeOther(ctx, `${flow.path}#now`);
}

/** An attack that needs nothing from a run is one by itself. */
async function attack(playground: Playground, flow: Flow, ctx: Context): Promise<void> {
  const breaker =
    flow.breakers.find(({ name }) => name === ctx.params.breaker) ?? ctx.throw(404, 'there is no such attack');
  const session = playground.sessions.findOrCreate(ctx, playground.serverOf(undefined));
  const server = playground.serverOf(session);
  if (clientOf(flow, server.settings) === undefined) {
    ctx.throw(409, 'no client is registered here for this flow');
  }
  const run = session.runs.get(flow.name) ?? createRun(flow.name, initialParameters(flow, server.settings));
  keepRun(session, run);
  await performBreaker({ server, ownUrl: playground.ownUrl }, flow, run, breaker);
  seeOther(ctx, `${flow.path}#now`);
}

/** RP-Initiated Logout §2, with `client_id` in place of `id_token_hint`: no token ends up in a URL. */
async function signOut(playground: Playground, flow: Flow, ctx: Context): Promise<void> {
  const { session, run } = runOf(playground, flow, ctx) ?? {};
  session?.runs.delete(flow.name);
  const server = playground.serverOf(session);
  const client = clientOf(flow, server.settings);
  if (run?.code === undefined || client === undefined) {
    return seeOther(ctx, flow.path);
  }
  try {
    const configuration = await server.connect(client, { record: () => {}, conceal: (text) => text });
    const parameters = { post_logout_redirect_uri: `${playground.ownUrl}/` };
    return seeOther(ctx, openid.buildEndSessionUrl(configuration, parameters).href);
  } catch (thrown) {
    // Nothing to sign out of is left when the server is away or knows no sign-out: our own tokens are forgotten either way.
    if (describeProblem(thrown, server.issuer) === undefined) {
      throw thrown;
    }
    return seeOther(ctx, flow.path);
  }
}

function runOf(playground: Playground, flow: Flow, ctx: Context): { session: BrowserSession; run: Run } | undefined {
  const session = playground.sessions.find(ctx);
  const run = session?.runs.get(flow.name);
  return session && run && { session, run };
}

function nothingToDo(playground: Playground, ctx: Context): void {
  ctx.status = 409;
  ctx.body = playground.page('problem', ctx, { problem: NO_SESSION });
}
