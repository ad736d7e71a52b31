import Router, { type RouterContext } from '@koa/router';
import { PageError } from '../page-error.ts';
import { requireSameOrigin } from '../same-origin.ts';
import type { SignInWay } from '../sign-in-ways.ts';
import { type ForgotPasswordPageDeps, forgotPasswordPage } from './forgot-password.ts';
import { type LinkPagesDeps, linkPages } from './links.ts';
import { type MailboxDeps, mailboxPage } from './mailbox.ts';
import { type SignUpPageDeps, signUpPage } from './sign-up.ts';
import { inAddress } from './way-back.ts';

export interface SelfServiceDeps
  extends Omit<SignUpPageDeps, 'keepsMailbox' | 'signUp'>,
    Omit<ForgotPasswordPageDeps, 'keepsMailbox' | 'passwordReset'>,
    LinkPagesDeps {
  readonly signUp: SignUpPageDeps['signUp'] & LinkPagesDeps['signUp'];
  readonly passwordReset: ForgotPasswordPageDeps['passwordReset'] & LinkPagesDeps['passwordReset'];
  readonly issuer: string;
  /** In development, where no mail leaves. */
  readonly readMailbox?: MailboxDeps['readMailbox'] | undefined;
}

const POSTED = ['/sign-up', '/forgot-password', '/links/:token'];

/** What people who cannot sign in, or not yet, do for themselves; and the way there from the sign-in page. */
export function selfServicePages(deps: SelfServiceDeps): { router: Router; way: SignInWay } {
  const keepsMailbox = deps.readMailbox !== undefined;
  const signUp = signUpPage({ ...deps, keepsMailbox });
  const forgotPassword = forgotPasswordPage({ ...deps, keepsMailbox });
  const router = new Router();
  for (const path of POSTED) {
    router.post(
      path,
      requireSameOrigin(() => deps.issuer),
    );
  }
  signUp.routes(router);
  forgotPassword.routes(router);
  linkPages(deps).routes(router);
  if (deps.readMailbox !== undefined) {
    mailboxPage({ page: deps.page, readMailbox: deps.readMailbox }).routes(router);
  }
  const refuseMethod = (ctx: RouterContext) => {
    ctx.set('Allow', 'GET, POST');
    throw new PageError('method_not_allowed');
  };
  router.all(POSTED, refuseMethod);
  const way: SignInWay = {
    part: 'links',
    offer(ctx, { path, request }) {
      // Outside of a sign-in there is no request to come back to.
      const base = path.includes('/interaction/') ? path : ctx.mountPath;
      return {
        signUp: signUp.isOpen ? `${base}/sign-up${inAddress(request)}` : undefined,
        forgotPassword: `${base}/forgot-password${inAddress(request)}`,
      };
    },
    routes(steps, signIn) {
      steps.get('/sign-up', async (ctx) => signUp.show(ctx, { request: (await signIn.place(ctx)).request }));
      steps.get('/forgot-password', async (ctx) =>
        forgotPassword.show(ctx, { request: (await signIn.place(ctx)).request }),
      );
    },
  };
  return { router, way };
}
