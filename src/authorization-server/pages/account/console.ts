import Router, { type RouterContext } from '@koa/router';
import type { Middleware, ParameterizedContext } from 'koa';
import type { Translate } from '../../languages/languages.ts';
import type { Page } from '../page.ts';
import { PageError } from '../page-error.ts';
import { requireSameOrigin } from '../same-origin.ts';
import { seeOther } from '../see-other.ts';
import { type ConsoleGateDeps, createGate, FreshSignIn } from './console-gate.ts';
import { type Console, SECTION_IDS, type Section, type Visitor } from './section.ts';

export interface AccountConsoleDeps extends ConsoleGateDeps {
  readonly page: Page;
  readonly sections: readonly Section[];
  /** Seconds: `lifetimes.recentSignIn`. */
  readonly recentSignIn: number;
  /** False when an account has sent more forms than a person would; it may again after a minute. */
  readonly maySend: (accountId: string) => Promise<boolean>;
}

/**
 * `/account`: what an account holder sees and does of their own. It is a client of this server like any other (OpenID Connect
 * Core §3.1: code, PKCE, state and nonce), so whatever the server asks for at a sign-in protects it, too.
 */
export function accountConsole(deps: AccountConsoleDeps): Middleware {
  // As its middleware is, whatever the routes are: no spelling leads to a page and round what stands before it.
  const router = new Router({ prefix: '/account', sensitive: true });
  const visitors = new WeakMap<object, Visitor>();
  const fromOurPages = requireSameOrigin(() => deps.issuer);
  const isPage = (path: string) => router.match(path, 'GET').route;
  const gate = createGate(deps, isPage);
  router.get('/callback', gate.comeBack);
  for (const section of deps.sections) {
    section.openRoutes?.(router);
  }
  router.use(async (ctx, next) => {
    const visitor = await gate.visitorOf(ctx);
    if (visitor === undefined) {
      await gate.signIn(ctx);
      return;
    }
    if (ctx.method === 'POST' && !(await deps.maySend(visitor.account.accountId))) {
      ctx.set('Retry-After', '60');
      throw new PageError('too_often');
    }
    visitors.set(ctx, visitor);
    await gate.orSignInAgain(ctx, visitor, next);
  });
  const console = createConsole(deps, visitors);
  for (const section of deps.sections) {
    section.routes(router, console);
  }
  const routes = router.routes() as unknown as Middleware;
  return (ctx, next) => {
    const answer = () => routes(ctx, () => refuseMethod(ctx, router) ?? next());
    return ctx.method === 'POST' && isOurs(ctx.path) ? fromOurPages(ctx, answer) : answer();
  };
}

function isOurs(path: string): boolean {
  return path === '/account' || path.startsWith('/account/');
}

/** RFC 9110 §15.5.6, where there is something at this address for another method. */
function refuseMethod(ctx: ParameterizedContext, router: Router): undefined {
  const allowed = ['GET', 'POST'].filter((method) => router.match(ctx.path, method).route);
  if (allowed.length > 0) {
    ctx.set('Allow', allowed.join(', '));
    throw new PageError('method_not_allowed');
  }
}

function createConsole(deps: AccountConsoleDeps, visitors: WeakMap<object, Visitor>): Console {
  const { page, cookies, sections, recentSignIn } = deps;
  const registered = SECTION_IDS.filter((id) => sections.some((section) => section.id === id));
  const visitor = (ctx: RouterContext): Visitor => {
    const found = visitors.get(ctx);
    if (found === undefined) {
      throw new Error('this is no route of the console');
    }
    return found;
  };
  return {
    visitor,
    render(ctx, section, view, locals, { title, status = 200, scripts = [], logo }) {
      const { name, email } = visitor(ctx).account;
      const base = `${ctx.mountPath}/account`;
      const t = page.translate(ctx);
      const navigation = registered.map((id) => ({
        id,
        href: id === 'overview' ? base : `${base}/${id}`,
        text: t(`account.navigation.${id}`),
        isHere: id === section,
      }));
      const content = { ...locals, base, t, root: ctx.mountPath };
      const frame = { view, content, navigation, base, account: { name, email }, said: saidOn(ctx, t) };
      page.render(ctx, 'account/frame', frame, { title, status, scripts, logo, hasForms: true });
    },
    async requireRecentSignIn(ctx, at) {
      const age = Date.now() - visitor(ctx).authTime.getTime();
      if (age > recentSignIn * 1000) {
        throw new FreshSignIn(at);
      }
    },
    typed(ctx) {
      const typed = cookies.takeTyped(ctx);
      return typed?.accountId === visitor(ctx).account.accountId && typed.path === ctx.path ? typed.fields : {};
    },
    seeOther(ctx, path, said) {
      const query = said === undefined ? '' : `${path.includes('?') ? '&' : '?'}said=${said}`;
      seeOther(ctx, `${ctx.mountPath}/account${path === '/' ? '' : path}${query}`);
    },
  };
}

/** Only such messages as say what was done: the address is anybody's to make up. */
function saidOn(ctx: RouterContext, t: Translate): string | undefined {
  const { said } = ctx.query;
  const isSaid = typeof said === 'string' && /^[a-z-]{1,40}\.said\.[a-z-]{1,40}$/.test(said) && t.has(said);
  return isSaid ? t(said) : undefined;
}
