import Router from '@koa/router';
import type { Pool } from 'pg';

/** `/healthz`: the process answers. `/readyz`: so does its database; when it does not, the error is a 503. */
export function healthRoutes(pool: Pool): Router {
  const router = new Router();
  router.get('/healthz', (ctx) => {
    ctx.body = { status: 'ok' };
  });
  router.get('/readyz', async (ctx) => {
    await pool.query('select 1');
    ctx.body = { status: 'ok' };
  });
  return router;
}
