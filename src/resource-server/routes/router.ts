import Router, { type RouterContext, type RouterMiddleware } from '@koa/router';
import { type Caller, callersOf } from '../caller.ts';
import { type Guard, type Guarded, Refusal } from '../guard/guard.ts';
import { ENDPOINTS, type EndpointName } from './endpoints.ts';

/** Of some endpoints, what they do for whoever got this far. */
export type Handlers<Name extends EndpointName = EndpointName> = Readonly<
  Record<Name, (ctx: RouterContext<Guarded>) => unknown>
>;

/** Every endpoint behind its rule. */
export function createRouter(guard: Pick<Guard, 'require'>, handlers: Handlers): Router<Guarded> {
  const router = new Router<Guarded>();
  for (const name of Object.keys(ENDPOINTS) as EndpointName[]) {
    const { scope, callers } = ENDPOINTS[name];
    const [method = '', path = ''] = name.split(' ');
    router.register(path, [method], [guard.require(scope), requireCaller(callers), handlers[name]]);
  }
  return router;
}

function requireCaller(allowed: readonly Caller[]): RouterMiddleware<Guarded> {
  return (ctx, next) => {
    const callers = callersOf(ctx.state.token);
    if (!callers.some((caller) => allowed.includes(caller))) {
      throw insufficientRole(allowed, callers);
    }
    return next();
  };
}

/** Without a challenge: another token of the same caller would fare no better. */
function insufficientRole(allowed: readonly Caller[], callers: readonly Caller[]): Refusal {
  const description = `This is for ${allowed.map(named).join(', ')}; the token is that of ${callers.map(named).join(', ')}.`;
  return new Refusal({ status: 403, code: 'insufficient_role', description });
}

function named(caller: Caller): string {
  return caller === 'client' ? 'a client that acts for itself' : `an account in the role ${caller}`;
}
