import type { Middleware } from 'koa';
import type { Playground } from './playground.ts';
import type { Problem } from './problem.ts';

const NOT_FOUND: Problem = { title: 'There is no such page', advice: 'All that there is starts at the first page.' };
const REFUSED: Problem = {
  title: 'That request was refused',
  advice: 'Go back to the first page and use its buttons.',
};
const BROKEN: Problem = {
  title: 'Something broke in the playground',
  advice: 'That is our mistake, not yours. Start the grant again.',
};

/** Every answer is a page: what is refused keeps its status, and only a mistake of ours is a 500 and is logged. */
export function errorPage(playground: Playground): Middleware {
  return async (ctx, next) => {
    // Koa reads the cookies with the help of the socket, which a request whose body is too large has lost.
    void ctx.cookies;
    try {
      await next();
      if (ctx.status === 404 && !ctx.body) {
        ctx.status = 404;
        ctx.body = playground.page('problem', ctx, { problem: NOT_FOUND });
      }
    } catch (thrown) {
      const status = statusOf(thrown);
      ctx.status = status;
      if (status < 500) {
        ctx.body = playground.page('problem', ctx, {
          problem: { ...REFUSED, errorDescription: (thrown as Error).message },
        });
        return;
      }
      ctx.body = playground.page('problem', ctx, { problem: BROKEN });
      ctx.app.emit('error', thrown, ctx);
    }
  };
}

function statusOf(thrown: unknown): number {
  const status = thrown instanceof Error && 'status' in thrown ? thrown.status : undefined;
  return typeof status === 'number' && status >= 400 && status < 500 ? status : 500;
}
