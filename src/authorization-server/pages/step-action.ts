import type Router from '@koa/router';
import type { RouterContext } from '@koa/router';
import { PageError } from './page-error.ts';
import { seeOther } from './see-other.ts';
import type { SignIn, SignInPlace } from './sign-in-ways.ts';

/** Where a form of a step goes to. */
export function stepAction(
  router: Router,
  place: SignIn['place'],
  path: string,
  act: (ctx: RouterContext, place: SignInPlace) => Promise<void>,
): void {
  router.post(path, async (ctx) => act(ctx, await place(ctx)));
  // The page that answers a form has the form's address: whoever opens that again gets to the page before.
  router.get(path, async (ctx) => {
    seeOther(ctx, (await place(ctx)).path);
  });
  router.all(path, (ctx) => {
    ctx.set('Allow', 'GET, POST');
    throw new PageError('method_not_allowed');
  });
}
