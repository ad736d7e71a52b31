import type { RouterContext } from '@koa/router';
import type { NextStep } from '../accounts/next-step.ts';
import type { Proof } from '../accounts/person.ts';
import type { Authenticator, TypedCode } from '../authenticators/authenticator.ts';
import { readFields } from './form.ts';
import type { Page } from './page.ts';
import { offeredBy } from './sign-in.ts';
import type { Progress, SignInPlace, SignInWay, StepProblem } from './sign-in-ways.ts';

export interface SecondStepDeps {
  readonly page: Page;
  readonly ways: readonly SignInWay[];
  readonly totp: Authenticator<TypedCode>;
  readonly recoveryCodes: Authenticator<TypedCode>;
}

export type DueSecond = Extract<NextStep, { due: 'second' }>;

/** What was typed: a code of the app, or a recovery code. */
const CODE = 'code';
const RECOVERY_CODE = 'recovery_code';

export interface SecondStepPage {
  /** `progress` is what was proven so far, sealed for the form. */
  ask(
    ctx: RouterContext,
    place: SignInPlace,
    step: { readonly due: DueSecond; readonly progress: Progress; readonly sealed: string },
    problem?: StepProblem,
  ): Promise<void>;
  /** What the form proves; otherwise what to say about it. */
  submit(ctx: RouterContext, progress: Progress): Promise<{ readonly proof: Proof } | StepProblem>;
}

/** The second step of a sign-in: something that the account has besides a password. */
export function secondStepPage({ page, ways, totp, recoveryCodes }: SecondStepDeps): SecondStepPage {
  return {
    async ask(ctx, place, { due, progress, sealed }, problem) {
      const { client, path, request, isForDevice } = place;
      const { account, recoveryCodesLeft } = progress.person;
      const t = page.translate(ctx);
      const offered = await offeredBy(ways, (way) =>
        due.factors.includes(way.part as never) ? way.offerSecond?.(ctx, place, progress.person) : undefined,
      );
      page.render(
        ctx,
        'second-step',
        {
          client,
          path,
          request,
          isForDevice,
          progress: sealed,
          email: account.email,
          asksForCode: due.factors.includes('totp'),
          asksForRecoveryCode: !due.phishingResistant && recoveryCodesLeft > 0,
          parts: offered.parts,
          problem: problem?.problem,
          field: problem?.field,
        },
        {
          title: t(problem === undefined ? 'second-step.title' : 'second-step.title-problem'),
          status: problem?.status ?? 200,
          withinFlow: true,
          logo: client?.logo,
          scripts: offered.scripts,
        },
      );
    },

    async submit(ctx, { person: { account } }) {
      const fields = await readFields(ctx);
      const field = fields[RECOVERY_CODE] === undefined ? CODE : RECOVERY_CODE;
      const typed = (fields[field] ?? '').trim().slice(0, 100);
      const t = page.translate(ctx);
      if (typed === '') {
        return { status: 400, field, problem: t(`second-step.${field}-missing`) };
      }
      const authenticator = field === CODE ? totp : recoveryCodes;
      const proof = await authenticator.verify({ accountId: account.accountId, code: typed });
      // The same words for a wrong code, one that counted already, and any while there were too many wrong ones.
      return proof === undefined ? { status: 401, field, problem: t(`second-step.${field}-refused`) } : { proof };
    },
  };
}
