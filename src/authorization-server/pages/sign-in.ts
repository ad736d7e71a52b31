import type { RouterContext } from '@koa/router';
import { z } from 'zod';
import type { Account, Authenticate } from '../accounts/account.ts';
import { TooBusy } from '../accounts/too-busy.ts';
import type { ClientCard } from './client-card.ts';
import type { Demonstration } from './demonstration.ts';
import { FormProblems, readForm } from './form.ts';
import type { InteractionPages } from './interaction.ts';
import type { Page } from './page.ts';
import { finish, type PendingStep } from './pending-step.ts';

const SignInForm = z.object({
  email: z.string('Enter your email address.').trim().min(1, 'Enter your email address.'),
  password: z.string('Enter your password.').min(1, 'Enter your password.'),
});

/** Says nothing about whether the account exists, is locked, disabled or without a password. */
const REFUSED = 'That email and password don’t match. Check both and try again.';
const BUSY = 'Many people are signing in right now. Please try again in a moment.';

/** Where somebody signs in. */
export interface CredentialsPlace {
  /** The form goes to `sign-in` below it. */
  readonly path: string;
  /** For a hidden field of the form. */
  readonly request: string;
  readonly client?: ClientCard;
  readonly isForDevice?: boolean;
  /** Completes "Sign in ...", where no client asks for it. */
  readonly purpose?: string;
}

interface SignInView {
  readonly email: string;
  /** About the whole form. */
  readonly problem?: string;
  /** The problem is what was typed into the fields. */
  readonly refused?: boolean;
  /** By field. */
  readonly problems?: Readonly<Record<string, string>>;
}

export interface CredentialsForm {
  readonly page: Page;
  readonly authenticate: Authenticate;
  readonly demonstration?: Demonstration | undefined;
}

/** Email and password, for every page that asks for them. */
export function credentialsForm({ page, authenticate, demonstration }: CredentialsForm) {
  function ask(ctx: RouterContext, place: CredentialsPlace, status: number, view: SignInView): void {
    const { client, path, request, isForDevice, purpose } = place;
    const locals = { ...view, client, path, request, isForDevice, purpose, demonstration };
    page.render(ctx, 'sign-in', locals, {
      title: view.problem || view.problems ? 'Problem: Sign in' : 'Sign in',
      status,
      withinFlow: true,
      logo: client?.logo,
    });
  }

  /** `undefined` when the form is shown again, with what is wrong. */
  async function check(ctx: RouterContext, place: CredentialsPlace): Promise<Account | undefined> {
    const form = await readForm(ctx, SignInForm).catch((error: unknown) => {
      if (error instanceof FormProblems) {
        return ask(ctx, place, 400, { email: error.fields.email ?? '', problems: error.problems });
      }
      throw error;
    });
    if (form === undefined) {
      return undefined;
    }
    const proof = await authenticate(form).catch((error: unknown) => {
      if (error instanceof TooBusy) {
        return error;
      }
      throw error;
    });
    if (proof instanceof TooBusy) {
      ctx.set('Retry-After', String(proof.retryAfterSeconds));
      ask(ctx, place, 503, { email: form.email, problem: BUSY });
      return undefined;
    }
    if (proof === undefined) {
      ask(ctx, place, 401, { email: form.email, problem: REFUSED, refused: true });
    }
    return proof?.person.account;
  }

  return { ask, check };
}

export function signInPage(deps: InteractionPages) {
  const form = credentialsForm(deps);
  return {
    async show(ctx: RouterContext, step: PendingStep): Promise<void> {
      const hint = step.interaction.params.login_hint;
      form.ask(ctx, step, 200, { email: typeof hint === 'string' ? hint : '' });
    },
    async submit(ctx: RouterContext, step: PendingStep): Promise<void> {
      const account = await form.check(ctx, step);
      if (account !== undefined) {
        await finish(ctx, step.provider, { login: { accountId: account.accountId, amr: ['pwd'] } });
      }
    },
  };
}
