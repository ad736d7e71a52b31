import type { Middleware } from 'koa';

/** Rejects when this node cannot serve: its database is away. */
export type Readiness = () => Promise<void>;

/** `/healthz`: the process answers. `/readyz`: it can do its work, so send it requests. */
export function healthRoutes(ready: Readiness): Middleware {
  const shared = shareUnderWay(ready);
  return async (ctx, next) => {
    if (ctx.path === '/healthz') {
      ctx.body = { status: 'ok' };
    } else if (ctx.path === '/readyz') {
      ctx.body = await shared().then(
        () => ({ status: 'ok' }),
        () => ({ status: 'unavailable' }),
      );
      ctx.status = (ctx.body as { status: string }).status === 'ok' ? 200 : 503;
    } else {
      return next();
    }
    ctx.set('Cache-Control', 'no-store');
  };
}

/** However many ask at once, the database is asked once: these are admitted whatever there is to do. */
function shareUnderWay(ready: Readiness): Readiness {
  let underWay: Promise<void> | undefined;
  return () => {
    underWay ??= ready().finally(() => {
      underWay = undefined;
    });
    return underWay;
  };
}
