import type { RouterContext } from '@koa/router';
import { z } from 'zod';
import type { Authenticate } from '../accounts/account.ts';
import type { Proof } from '../accounts/person.ts';
import { TooBusy } from '../accounts/too-busy.ts';
import type { Demonstration } from './demonstration.ts';
import { FormProblems, readForm } from './form.ts';
import type { Page } from './page.ts';
import type { FirstStepView, SignInPlace, SignInWay } from './sign-in-ways.ts';

/** Messages of locales/<language>/sign-in.yaml. */
const SignInForm = z.object({
  email: z.string('sign-in.email-missing').trim().min(1, 'sign-in.email-missing'),
  password: z.string('sign-in.password-missing').min(1, 'sign-in.password-missing'),
});

export interface SignInPageDeps {
  readonly page: Page;
  readonly authenticate: Authenticate;
  readonly ways: readonly SignInWay[];
  readonly demonstration?: Demonstration | undefined;
}

export interface SignInPage {
  ask(ctx: RouterContext, place: SignInPlace, status: number, view: FirstStepView): Promise<void>;
  /** `undefined` when the form is shown again, with what is wrong. */
  submit(ctx: RouterContext, place: SignInPlace): Promise<Proof | undefined>;
}

/** The first step: email and password, and whatever else there is to sign in with. */
export function signInPage({ page, authenticate, ways, demonstration }: SignInPageDeps): SignInPage {
  async function ask(ctx: RouterContext, place: SignInPlace, status: number, view: FirstStepView): Promise<void> {
    const { client, path, request, isForDevice, purpose } = place;
    const t = page.translate(ctx);
    const offered = await offeredBy(ways, (way) => way.offer(ctx, place));
    const isProblem = view.problem !== undefined || view.problems !== undefined;
    page.render(
      ctx,
      'sign-in',
      { ...view, client, path, request, isForDevice, purpose, demonstration, parts: offered.parts },
      {
        title: t(isProblem ? 'sign-in.title-problem' : 'sign-in.title'),
        status,
        withinFlow: true,
        address: path,
        logo: client?.logo,
        scripts: offered.scripts,
      },
    );
  }

  return {
    ask,
    async submit(ctx, place) {
      const t = page.translate(ctx);
      const form = await readForm(ctx, SignInForm).catch(async (error: unknown) => {
        if (error instanceof FormProblems) {
          const problems = Object.entries(error.problems).map(([field, key]) => [field, t(key)]);
          await ask(ctx, place, 400, { email: error.fields.email ?? '', problems: Object.fromEntries(problems) });
          return undefined;
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
        await ask(ctx, place, 503, { email: form.email, problem: t('sign-in.busy') });
        return undefined;
      }
      if (proof === undefined) {
        // Says nothing about whether the account exists, is locked, disabled or without a password.
        await ask(ctx, place, 401, { email: form.email, problem: t('sign-in.refused'), refused: true });
      }
      return proof;
    },
  };
}

/** What the ways have for a page: by part, with the scripts that those need. */
export async function offeredBy(
  ways: readonly SignInWay[],
  offer: (way: SignInWay) => object | undefined | Promise<object | undefined>,
) {
  const offers = await Promise.all(ways.map(async (way) => ({ way, offered: await offer(way) })));
  const shown = offers.filter(({ offered }) => offered !== undefined);
  return {
    parts: Object.fromEntries(shown.map(({ way, offered }) => [way.part, offered])),
    scripts: shown.flatMap(({ way }) => way.scripts ?? []),
  };
}
