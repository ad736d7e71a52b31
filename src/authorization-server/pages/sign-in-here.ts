import { randomBytes } from 'node:crypto';
import type Router from '@koa/router';
import type { RouterContext } from '@koa/router';
import { readFields } from './form.ts';
import type { RequestsPage } from './requests.ts';
import { seeOther } from './see-other.ts';
import type { SignInPlace } from './sign-in-ways.ts';

const COOKIE = 'sign_in';

/** The form does not belong to a sign-in that this browser has begun. */
class ForeignForm extends Error {
  override readonly name = 'ForeignForm';
}

/**
 * Signs somebody in for a page of ours, where no client asks for it and so no interaction is pending. What another site
 * lets the browser send must not sign it in either, least of all as somebody else: the form repeats a random value that
 * the browser also has as a signed cookie, which no other site's form brings along.
 */
export function signInHere(deps: RequestsPage) {
  const { signIn, sessions, page } = deps;
  const placeWith = (ctx: RouterContext, secret: string): SignInPlace => ({
    path: pathOf(ctx),
    request: secret,
    purpose: page.translate(ctx)('requests.sign-in'),
    binding: secret,
    asks: { values: undefined, essential: false },
    async finish(at, { accountId, acr, amr }) {
      await sessions.begin(at, { accountId, acr, amr });
      at.cookies.set(COOKIE, null, cookieAt(at));
      seeOther(at, pathOf(at));
    },
  });

  async function place(ctx: RouterContext): Promise<SignInPlace> {
    const secret = ctx.cookies.get(COOKIE, { signed: true });
    if (secret === undefined || (ctx.method === 'POST' && (await readFields(ctx)).request !== secret)) {
      throw new ForeignForm();
    }
    return placeWith(ctx, secret);
  }

  return {
    show: (ctx: RouterContext) => signIn.ask(ctx, placeWith(ctx, remember(ctx)), 200, {}),

    routes(router: Router): void {
      router.use(async (ctx, next) => {
        try {
          await next();
        } catch (error) {
          if (!(error instanceof ForeignForm)) {
            throw error;
          }
          const { email } = ctx.method === 'POST' ? await readFields(ctx) : {};
          const problem = page.translate(ctx)('requests.sign-in-lost');
          await signIn.ask(ctx, placeWith(ctx, remember(ctx)), 400, { email, problem });
        }
      });
      signIn.routes(router, place);
    },
  };
}

function remember(ctx: RouterContext): string {
  const secret = ctx.cookies.get(COOKIE, { signed: true }) ?? randomBytes(24).toString('base64url');
  ctx.cookies.set(COOKIE, secret, cookieAt(ctx));
  return secret;
}

function cookieAt(ctx: RouterContext) {
  return {
    path: pathOf(ctx),
    httpOnly: true,
    sameSite: 'lax',
    signed: true,
    secure: ctx.secure,
    overwrite: true,
  } as const;
}

function pathOf(ctx: RouterContext): string {
  return `${ctx.mountPath}/requests`;
}
