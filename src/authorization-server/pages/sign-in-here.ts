import { randomBytes } from 'node:crypto';
import type { RouterContext } from '@koa/router';
import { readFields } from './form.ts';
import type { RequestsPage } from './requests.ts';
import { type CredentialsPlace, credentialsForm } from './sign-in.ts';

const COOKIE = 'sign_in';

/**
 * Signs somebody in for a page of ours, where no client asks for it and so no interaction is pending. What another site
 * lets the browser send must not sign it in either, least of all as somebody else: the form repeats a random value that
 * the browser also has as a signed cookie, which no other site's form brings along.
 */
export function signInHere(deps: RequestsPage) {
  const form = credentialsForm(deps);
  const place = (ctx: RouterContext, secret: string): CredentialsPlace => ({
    path: `${ctx.mountPath}/requests`,
    request: secret,
    purpose: deps.page.translate(ctx)('requests.sign-in'),
  });
  return {
    async show(ctx: RouterContext): Promise<void> {
      form.ask(ctx, place(ctx, remember(ctx)), 200, { email: '' });
    },
    /** False when the form is shown again. */
    async submit(ctx: RouterContext): Promise<boolean> {
      const { request = '', email = '' } = await readFields(ctx);
      const secret = ctx.cookies.get(COOKIE, { signed: true });
      if (secret === undefined || secret !== request) {
        form.ask(ctx, place(ctx, remember(ctx)), 400, {
          email,
          problem: deps.page.translate(ctx)('requests.sign-in-lost'),
        });
        return false;
      }
      const account = await form.check(ctx, place(ctx, secret));
      if (account !== undefined) {
        await deps.sessions.begin(ctx, { accountId: account.accountId, amr: ['pwd'] });
        ctx.cookies.set(COOKIE, null, cookieAt(ctx));
      }
      return account !== undefined;
    },
  };
}

function remember(ctx: RouterContext): string {
  const secret = ctx.cookies.get(COOKIE, { signed: true }) ?? randomBytes(24).toString('base64url');
  ctx.cookies.set(COOKIE, secret, cookieAt(ctx));
  return secret;
}

function cookieAt(ctx: RouterContext) {
  const path = `${ctx.mountPath}/requests`;
  return { path, httpOnly: true, sameSite: 'lax', signed: true, secure: ctx.secure, overwrite: true } as const;
}
