import Router from '@koa/router';
import { z } from 'zod';
import { readForm } from './form.ts';
import { homeOf } from './home-page.ts';
import { type Playground, seeOther } from './playground.ts';
import { letScriptReach } from './security.ts';

const IssuerForm = z.object({ issuer: z.string().regex(/^\d{1,3}$/) });

/** The first page, and the choice among the issuers that the operator allows: by its place in their list, and no other. */
export function issuerRoutes(playground: Playground): Router {
  const router = new Router();

  router.get('/', async (ctx) => {
    const server = playground.serverOf(playground.sessions.find(ctx));
    // The flows whose client is a script are begun from here, too.
    await letScriptReach(server, ctx);
    ctx.body = playground.page('home', ctx, homeOf(server.settings));
  });

  router.post('/issuer', async (ctx) => {
    const chosen = await readForm(ctx, IssuerForm);
    const server =
      playground.servers[Number(chosen?.issuer)] ??
      ctx.throw(400, 'this playground is not allowed to talk to that issuer');
    playground.sessions.create(ctx, server);
    seeOther(ctx, '/');
  });

  return router;
}
