import type { RouterContext } from '@koa/router';
import { z } from 'zod';
import { TooBusy } from '../accounts/too-busy.ts';
import { FormProblems, readForm } from './form.ts';
import type { InteractionPages } from './interaction.ts';
import { finish, type PendingStep } from './pending-step.ts';

const SignInForm = z.object({
  email: z.string('Enter your email address.').trim().min(1, 'Enter your email address.'),
  password: z.string('Enter your password.').min(1, 'Enter your password.'),
});

/** Says nothing about whether the account exists, is locked, disabled or without a password. */
const REFUSED = 'That email and password don’t match. Check both and try again.';
const BUSY = 'Many people are signing in right now. Please try again in a moment.';

interface SignInView {
  readonly email: string;
  /** About the whole form. */
  readonly problem?: string;
  /** The problem is what was typed into the fields. */
  readonly refused?: boolean;
  /** By field. */
  readonly problems?: Readonly<Record<string, string>>;
}

export function signInPage({ page, authenticate, demonstration }: InteractionPages) {
  return {
    async show(ctx: RouterContext, step: PendingStep): Promise<void> {
      const hint = step.interaction.params.login_hint;
      render(ctx, step, 200, { email: typeof hint === 'string' ? hint : '' });
    },
    async submit(ctx: RouterContext, step: PendingStep): Promise<void> {
      const form = await readForm(ctx, SignInForm).catch((error: unknown) => {
        if (error instanceof FormProblems) {
          return render(ctx, step, 400, { email: error.fields.email ?? '', problems: error.problems });
        }
        throw error;
      });
      if (form === undefined) {
        return;
      }
      const account = await authenticate(form).catch((error: unknown) => {
        if (error instanceof TooBusy) {
          return error;
        }
        throw error;
      });
      if (account instanceof TooBusy) {
        ctx.set('Retry-After', String(account.retryAfterSeconds));
        return render(ctx, step, 503, { email: form.email, problem: BUSY });
      }
      if (account === undefined) {
        return render(ctx, step, 401, { email: form.email, problem: REFUSED, refused: true });
      }
      await finish(ctx, step.provider, { login: { accountId: account.accountId, amr: ['pwd'] } });
    },
  };

  function render(
    ctx: RouterContext,
    { client, path, request, isForDevice }: PendingStep,
    status: number,
    view: SignInView,
  ): void {
    const locals = { ...view, client, path, request, isForDevice, demonstration };
    page.render(ctx, 'sign-in', locals, {
      title: view.problem || view.problems ? 'Problem: Sign in' : 'Sign in',
      status,
      withinFlow: true,
      logo: client.logo,
    });
  }
}
