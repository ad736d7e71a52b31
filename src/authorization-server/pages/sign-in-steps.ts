import type Router from '@koa/router';
import type { RouterContext } from '@koa/router';
import type { Account } from '../accounts/account.ts';
import { acrOf, combinedAmr } from '../accounts/assurance.ts';
import { nextStep } from '../accounts/next-step.ts';
import type { PersonStore, Proof } from '../accounts/person.ts';
import type { RequiresSecondFactor } from '../accounts/second-factor-policy.ts';
import type { Audit } from '../audit/audit.ts';
import { STEPS } from '../authenticators/authenticator.ts';
import type { RecoveryCodes } from '../authenticators/recovery-codes.ts';
import type { Totp } from '../authenticators/totp.ts';
import { readFields } from './form.ts';
import type { Notices } from './notices.ts';
import { secondStepPage } from './second-step.ts';
import { setUpStepPage } from './set-up-step.ts';
import { type SignInPageDeps, signInPage } from './sign-in.ts';
import { keepProgress, type ProgressSeal } from './sign-in-progress.ts';
import type { FirstStepView, Progress, SetUp, SignIn, SignInPlace, StepProblem } from './sign-in-ways.ts';
import { stepAction } from './step-action.ts';

export interface SignInStepsDeps extends SignInPageDeps {
  readonly totp: Totp;
  readonly recoveryCodes: RecoveryCodes;
  readonly findPerson: PersonStore['findPerson'];
  readonly requiresSecondFactor: RequiresSecondFactor;
  readonly seal: ProgressSeal;
  readonly audit: Pick<Audit, 'record'>;
  readonly notices: Notices;
}

/** The steps of signing in, wherever that is: each proof leads to what is due next, and the last one on. */
export interface SignInSteps {
  ask(ctx: RouterContext, place: SignInPlace, status: number, view: FirstStepView): Promise<void>;
  /** Whoever is signed in is asked for what is missing, and for nothing else. */
  stepUp(ctx: RouterContext, place: SignInPlace, session: SessionSoFar): Promise<void>;
  /** The routes that the forms of the steps go to, below the prefix of the router; it lets in forms of our own pages only. */
  routes(router: Router, place: SignIn['place']): void;
}

export interface SessionSoFar {
  readonly accountId: string;
  readonly amr: readonly string[];
  /** Seconds. */
  readonly authTime: number;
}

export function createSignInSteps(deps: SignInStepsDeps): SignInSteps {
  const first = signInPage(deps);
  const second = secondStepPage(deps);
  const setUp = setUpStepPage(deps);
  const kept = keepProgress(deps);
  const { audit, ways, recoveryCodes } = deps;

  const progressIn = async (ctx: RouterContext, place: SignInPlace) =>
    ctx.method === 'POST' ? kept.read(place, (await readFields(ctx)).progress) : undefined;

  /** Decides what is due, and shows it. */
  async function goOn(ctx: RouterContext, place: SignInPlace, progress: Progress, problem?: StepProblem) {
    const next = nextStep(progress.person, progress.amr, { asks: place.asks, ...deps });
    const sealed = kept.write(place, progress);
    if (next.due === 'second') {
      return second.ask(ctx, place, { due: next, progress, sealed }, problem);
    }
    if (next.due === 'set_up') {
      return setUp.ask(ctx, place, { progress, sealed }, problem);
    }
    if (next.due === 'unmet') {
      const description = 'the account cannot prove what the request asks for';
      return place.fail?.(ctx, 'unmet_authentication_requirements', description);
    }
    return end(ctx, place, progress);
  }

  async function end(ctx: RouterContext, place: SignInPlace, { person, amr, methods, authTime, details }: Progress) {
    const { accountId } = person.account;
    const acr = acrOf(amr);
    await audit.record({
      kind: 'sign_in',
      accountId,
      clientId: place.clientId,
      details: { ...details, method: methods.join('+'), acr, ...(authTime === undefined ? {} : { stepUp: true }) },
    });
    for (const way of ways) {
      await way.signedIn?.(ctx, place, person);
    }
    // Said here, because the engine would take the time at which the browser is back, or consent is given.
    await place.finish(ctx, { accountId, acr, amr: [...amr], ts: authTime ?? Math.floor(Date.now() / 1000) });
  }

  async function complete(ctx: RouterContext, place: SignInPlace, { person, method, amr, details }: Proof) {
    // What begins a sign-in begins it anew: two such ways, one after the other, are no second factor.
    const earlier = STEPS[method].includes('second') ? await progressIn(ctx, place) : undefined;
    const isSame = earlier !== undefined && earlier.person.account.accountId === person.account.accountId;
    const isEnough = isSame || STEPS[method].some((step) => step !== 'second');
    if (person.account.disabled || !isEnough) {
      return startOver(ctx, place);
    }
    if (method === 'recovery_code') {
      await deps.notices.tell(ctx, person.account, 'recovery-code-used');
    }
    const before: Omit<Progress, 'person'> = isSame ? earlier : { amr: [], methods: [] };
    await goOn(ctx, place, {
      person,
      amr: combinedAmr(before.amr, amr),
      methods: [...before.methods, method],
      authTime: before.authTime,
      details: { ...before.details, ...details },
    });
  }

  /** What was proven is too long ago, or worth nothing any more. */
  function startOver(ctx: RouterContext, place: SignInPlace) {
    return first.ask(ctx, place, 400, { problem: deps.page.translate(ctx)('sign-in.too-long') });
  }

  async function submitSecond(ctx: RouterContext, place: SignInPlace) {
    const progress = await progressIn(ctx, place);
    if (progress === undefined) {
      return startOver(ctx, place);
    }
    const outcome = await second.submit(ctx, progress);
    await ('proof' in outcome ? complete(ctx, place, outcome.proof) : goOn(ctx, place, progress, outcome));
  }

  async function submitSetUp(ctx: RouterContext, place: SignInPlace, add: SetUp) {
    const progress = await progressIn(ctx, place);
    if (progress === undefined) {
      return startOver(ctx, place);
    }
    const { person } = progress;
    if (nextStep(person, progress.amr, { asks: place.asks, ...deps }).due !== 'set_up') {
      // Whoever has a second factor proves that one: nobody gets round it with another.
      return goOn(ctx, place, progress);
    }
    const outcome = await add(person.account);
    if ('problem' in outcome) {
      return setUp.ask(ctx, place, { progress, sealed: kept.write(place, progress) }, outcome);
    }
    const codes = await recoveryCodes.make(person.account.accountId);
    const methods = [...progress.methods, ...outcome.methods];
    const sealed = kept.write(place, { ...progress, amr: combinedAmr(progress.amr, outcome.amr), methods });
    setUp.showCodes(ctx, place, sealed, codes);
  }

  const addApp =
    (ctx: RouterContext, { clientId }: SignInPlace) =>
    async (account: Account) => {
      const outcome = await setUp.submit(ctx, account);
      if (outcome !== 'confirmed') {
        return outcome;
      }
      const { accountId } = account;
      await audit.record({ kind: 'second_factor_added', accountId, clientId, details: { method: 'totp' } });
      await deps.notices.tell(ctx, account, 'second-factor-added');
      return { methods: ['totp'], amr: ['otp'] } as const;
    };

  return {
    ask: first.ask,

    async stepUp(ctx, place, { accountId, amr, authTime }) {
      const person = await deps.findPerson(accountId);
      await (person === undefined || person.account.disabled
        ? first.ask(ctx, place, 200, { email: place.loginHint })
        : goOn(ctx, place, { person, amr, methods: [], authTime }));
    },

    routes(router, place) {
      const action = (path: string, act: (ctx: RouterContext, place: SignInPlace) => Promise<void>) =>
        stepAction(router, place, path, act);
      action('/sign-in', async (ctx, at) => {
        const proof = await first.submit(ctx, at);
        if (proof !== undefined) {
          await complete(ctx, at, proof);
        }
      });
      action('/second-step', submitSecond);
      action('/set-up', (ctx, at) => submitSetUp(ctx, at, addApp(ctx, at)));
      action('/set-up/done', async (ctx, at) => {
        const progress = await progressIn(ctx, at);
        await (progress === undefined ? startOver(ctx, at) : goOn(ctx, at, progress));
      });
      const signIn: SignIn = { place, complete, progress: progressIn, ask: first.ask, goOn, setUp: submitSetUp };
      for (const way of ways) {
        way.routes?.(router, signIn);
      }
    },
  };
}
