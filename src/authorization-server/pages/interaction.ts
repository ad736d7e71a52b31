import Router, { type RouterContext } from '@koa/router';
import type Provider from 'oidc-provider';
import type { AccountStore } from '../accounts/account.ts';
import { askedAcr } from '../accounts/assurance.ts';
import type { Audit } from '../audit/audit.ts';
import type { ResourceStore } from '../resources/resource-server.ts';
import { consentPage } from './consent.ts';
import type { Healing } from './heal-sign-in.ts';
import type { Page } from './page.ts';
import { PageError } from './page-error.ts';
import { finish, loadPendingStep, type PendingStep } from './pending-step.ts';
import type { RememberedRequests } from './remembered-request.ts';
import { requireSameOrigin } from './same-origin.ts';
import type { SignInSteps } from './sign-in-steps.ts';
import type { SignInPlace } from './sign-in-ways.ts';

export interface InteractionPages {
  /** The provider of this moment: it is replaced as a whole when its keys rotate. */
  readonly provider: () => Provider;
  readonly page: Page;
  readonly signIn: SignInSteps;
  /** The browser's session, and how long ago somebody may have signed in for that to count in a step-up: seconds. */
  readonly sessions: { find(ctx: RouterContext): Promise<BrowserSession | undefined> };
  readonly recentSignIn: number;
  readonly findAccount: AccountStore['findAccount'];
  readonly listResourceServers: ResourceStore['listResourceServers'];
  readonly requests: RememberedRequests;
  readonly audit: Audit;
  /** Seconds: how long a consent lasts at most. */
  readonly longestConsent: number;
  readonly healing: Healing;
}

/** How somebody is signed in at this browser. */
export interface BrowserSession {
  readonly accountId?: string | undefined;
  readonly acr?: string | undefined;
  readonly amr?: string[] | undefined;
  /** Seconds. */
  readonly loginTs?: number | undefined;
}

/** The pages between an authorization request and its answer: `/interaction/:uid` shows whatever is to be done next. */
export function interactionPages(deps: InteractionPages): Router {
  const router = new Router({ prefix: '/interaction/:uid', sensitive: true });
  const consent = consentPage(deps);
  const pending = (ctx: RouterContext) => loadPendingStep(ctx, deps.provider(), deps.requests);
  const fromOurPages = requireSameOrigin(() => deps.provider().issuer);

  router.use(deps.healing.ofPages);
  router.use((ctx, next) => (ctx.method === 'POST' ? fromOurPages(ctx, next) : next()));
  router.get('/again', (ctx) => deps.healing.begin(ctx));
  router.get('/', async (ctx) => {
    const step = await pending(ctx);
    await (step.interaction.prompt.name === 'consent' ? consent.show(ctx, step) : showSignIn(ctx, deps, step));
  });
  router.get('/another-account', async (ctx) => askWho(ctx, deps, await pending(ctx)));
  deps.signIn.routes(router, async (ctx) => placeOf(await pending(ctx)));
  router.post('/consent', async (ctx) => consent.approve(ctx, await pending(ctx)));
  router.post('/abort', async (ctx) => {
    const step = await pending(ctx);
    await (step.interaction.prompt.name === 'consent' ? consent.deny : cancel)(ctx, step);
  });
  router.all(['/consent', '/abort'], (ctx) => {
    ctx.set('Allow', 'POST');
    throw new PageError('method_not_allowed');
  });
  return router;
}

/** Reasons for which whoever is signed in has only to prove more: provider/interaction-policy.ts. */
const STEP_UP = 'acr_missing';

async function showSignIn(ctx: RouterContext, deps: InteractionPages, step: PendingStep): Promise<void> {
  const { prompt, session: shownTo } = step.interaction;
  const session = prompt.reasons.every((reason) => reason === STEP_UP) ? await deps.sessions.find(ctx) : undefined;
  const { accountId, loginTs = 0, amr = ['pwd'] } = session ?? {};
  const isRecent = Date.now() / 1000 - loginTs < deps.recentSignIn;
  await (accountId !== undefined && accountId === shownTo?.accountId && isRecent
    ? deps.signIn.stepUp(ctx, placeOf(step), { accountId, amr, authTime: loginTs })
    : askWho(ctx, deps, step));
}

function askWho(ctx: RouterContext, { signIn }: InteractionPages, step: PendingStep): Promise<void> {
  const place = placeOf(step);
  return signIn.ask(ctx, place, 200, { email: place.loginHint });
}

function placeOf({ provider, interaction, client, path, request, typedEmail, isForDevice }: PendingStep): SignInPlace {
  const { uid, params, prompt } = interaction;
  const { client_id, login_hint } = params;
  return {
    path,
    request,
    client,
    isForDevice,
    binding: uid,
    clientId: String(client_id),
    loginHint: typedEmail ?? (typeof login_hint === 'string' ? login_hint : undefined),
    asks: askedAcr(params),
    afresh: prompt.reasons.some((reason) => ['login_prompt', 'max_age'].includes(reason)),
    finish: (ctx, login) => finish(ctx, provider, { login: { ...login } }),
    fail: (ctx, error, error_description) => finish(ctx, provider, { error, error_description }),
  };
}

async function cancel(ctx: RouterContext, { provider }: PendingStep): Promise<void> {
  await finish(ctx, provider, { error: 'access_denied', error_description: 'the sign-in was cancelled' });
}
