import Router from '@koa/router';
import type { Context } from 'koa';
import type { AuthorizationServer } from './authorization-server.ts';
import type { BrowserSession, BrowserSessions } from './browser-session.ts';
import type { Exchange } from './exchange.ts';
import { GRANTS } from './grants.ts';
import type { RenderPage } from './pages.ts';
import { describeProblem } from './problem.ts';
import { beginDevice, isWaiting, pollDevice, type WaitingDevice } from './run-device.ts';
import type { GrantContext } from './run-grant.ts';

interface Dependencies {
  readonly authorizationServer: AuthorizationServer;
  readonly sessions: BrowserSessions;
  readonly ownUrl: string;
  readonly render: RenderPage;
}

/** The device authorization grant: this page plays the television, and the person goes elsewhere to answer. */
export function deviceRoutes(dependencies: Dependencies): Router {
  const { sessions, render } = dependencies;
  const router = new Router();

  router.post('/grants/device', async (ctx) => {
    const session = sessions.findOrCreate(ctx);
    await step(dependencies, session, [], async (context) => {
      session.device = await beginDevice(context);
    });
    seeOther(ctx, session.device ? '/device' : '/result');
  });

  router.get('/device', (ctx) => {
    const device = sessions.find(ctx)?.device;
    if (device === undefined) {
      ctx.redirect('/');
      return;
    }
    ctx.body = render('device', { device, grant: GRANTS.device });
  });

  router.post('/device/poll', async (ctx) => {
    const session = sessions.find(ctx);
    if (session?.device !== undefined) {
      await poll(dependencies, session, session.device);
    }
    const device = session?.device;
    if (ctx.accepts('html', 'json') === 'json') {
      ctx.body = device === undefined ? { state: 'done' } : { state: 'waiting', interval: device.interval };
      return;
    }
    seeOther(ctx, device === undefined ? '/result' : '/device');
  });

  return router;
}

async function poll(dependencies: Dependencies, session: BrowserSession, device: WaitingDevice): Promise<void> {
  const exchanges = [...device.exchanges];
  await step(dependencies, session, exchanges, async (context) => {
    const answer = await pollDevice(context, device);
    session.device = isWaiting(answer) ? answer : undefined;
    if (!isWaiting(answer)) {
      session.outcome = { grantName: 'device', tokens: answer, problem: undefined, exchanges, answer: undefined };
    }
  });
}

/** What the authorization server refuses ends the grant, and is shown as its result. */
async function step(
  { authorizationServer, ownUrl }: Dependencies,
  session: BrowserSession,
  exchanges: Exchange[],
  run: (context: GrantContext) => Promise<void>,
): Promise<void> {
  try {
    await run({ authorizationServer, ownUrl, exchanges });
  } catch (thrown) {
    const problem = describeProblem(thrown, authorizationServer.issuer);
    if (!problem) {
      throw thrown;
    }
    session.device = undefined;
    session.outcome = { grantName: 'device', tokens: {}, problem, exchanges, answer: undefined };
  }
}

function seeOther(ctx: Context, target: string): void {
  ctx.redirect(target);
  ctx.status = 303;
}
