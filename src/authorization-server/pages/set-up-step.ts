import type { RouterContext } from '@koa/router';
import type { Account } from '../accounts/account.ts';
import type { ProposedTotp, Totp } from '../authenticators/totp.ts';
import { readFields } from './form.ts';
import type { Page } from './page.ts';
import { qrCode } from './qr-code.ts';
import { offeredBy } from './sign-in.ts';
import type { Progress, SignInPlace, SignInWay, StepProblem } from './sign-in-ways.ts';

export interface SetUpStepDeps {
  readonly page: Page;
  readonly ways: readonly SignInWay[];
  readonly totp: Pick<Totp, 'propose' | 'proposed' | 'confirm'>;
}

export interface SetUpStepPage {
  /** `sealed` is the progress, for the form. */
  ask(
    ctx: RouterContext,
    place: SignInPlace,
    step: { readonly progress: Progress; readonly sealed: string },
    problem?: StepProblem & { readonly proposal?: ProposedTotp | undefined },
  ): Promise<void>;
  /** The app has shown its first code, and is the account's; otherwise what to say about it. */
  submit(
    ctx: RouterContext,
    account: Account,
  ): Promise<'confirmed' | (StepProblem & { readonly proposal?: ProposedTotp | undefined })>;
  /** The recovery codes, once. */
  showCodes(ctx: RouterContext, place: SignInPlace, sealed: string, codes: readonly string[]): void;
}

/** Somebody must have a second factor and has none: they set one up on their way, and go on to where they wanted. */
export function setUpStepPage({ page, ways, totp }: SetUpStepDeps): SetUpStepPage {
  return {
    async ask(ctx, place, { progress, sealed }, problem) {
      const { client, path, request, isForDevice } = place;
      const { account } = progress.person;
      const t = page.translate(ctx);
      const proposal = problem?.proposal ?? totp.propose(account);
      const offered = await offeredBy(ways, (way) => way.offerSetUp?.(ctx, place, progress.person));
      page.render(
        ctx,
        'set-up-step',
        {
          client,
          path,
          request,
          isForDevice,
          progress: sealed,
          email: account.email,
          qr: await qrCode(proposal.uri),
          key: proposal.key,
          seed: proposal.sealed,
          parts: offered.parts,
          problem: problem?.problem,
          field: problem?.field,
        },
        {
          title: t(problem === undefined ? 'second-factors.required.title' : 'second-factors.required.title-problem'),
          status: problem?.status ?? 200,
          withinFlow: true,
          logo: client?.logo,
          scripts: offered.scripts,
        },
      );
    },

    async submit(ctx, account) {
      const { code = '', seed = '' } = await readFields(ctx);
      const t = page.translate(ctx);
      const proposal = totp.proposed(account, seed);
      if (proposal === undefined) {
        return { status: 400, problem: t('second-factors.totp.too-late') };
      }
      const { accountId } = account;
      const confirmed = await totp.confirm({ accountId, sealed: seed, code: code.slice(0, 100), replaces: false });
      return confirmed
        ? 'confirmed'
        : { status: 400, field: 'code', problem: t('second-factors.totp.wrong-code'), proposal };
    },

    showCodes(ctx, { client, path, request }, sealed, codes) {
      page.render(
        ctx,
        'set-up-codes',
        { client, path, request, progress: sealed, codes },
        { title: page.translate(ctx)('second-factors.codes.title'), withinFlow: true, logo: client?.logo },
      );
    },
  };
}
