import Router, { type RouterContext } from '@koa/router';
import type Provider from 'oidc-provider';
import type { AccountStore, Authenticate } from '../accounts/account.ts';
import type { ResourceStore } from '../resources/resource-server.ts';
import { consentPage } from './consent.ts';
import type { Demonstration } from './demonstration.ts';
import type { Healing } from './heal-sign-in.ts';
import type { Page } from './page.ts';
import { PageError } from './page-error.ts';
import { finish, loadPendingStep, type PendingStep } from './pending-step.ts';
import type { RememberedRequests } from './remembered-request.ts';
import { requireSameOrigin } from './same-origin.ts';
import { signInPage } from './sign-in.ts';

export interface InteractionPages {
  /** The provider of this moment: it is replaced as a whole when its keys rotate. */
  readonly provider: () => Provider;
  readonly page: Page;
  readonly authenticate: Authenticate;
  readonly findAccount: AccountStore['findAccount'];
  readonly listResourceServers: ResourceStore['listResourceServers'];
  readonly requests: RememberedRequests;
  readonly healing: Healing;
  /** Development mode only. */
  readonly demonstration?: Demonstration | undefined;
}

/** The pages between an authorization request and its answer: `/interaction/:uid` shows whatever is to be done next. */
export function interactionPages(deps: InteractionPages): Router {
  const router = new Router({ prefix: '/interaction/:uid' });
  const signIn = signInPage(deps);
  const consent = consentPage(deps);
  const pending = (ctx: RouterContext) => loadPendingStep(ctx, deps.provider(), deps.requests);
  const fromOurPages = requireSameOrigin(() => deps.provider().issuer);

  router.use(deps.healing.ofPages);
  router.get('/again', (ctx) => deps.healing.begin(ctx));
  router.get('/', async (ctx) => {
    const step = await pending(ctx);
    await (step.interaction.prompt.name === 'consent' ? consent : signIn).show(ctx, step);
  });
  router.get('/another-account', async (ctx) => signIn.show(ctx, await pending(ctx)));
  router.post('/sign-in', fromOurPages, async (ctx) => signIn.submit(ctx, await pending(ctx)));
  router.post('/consent', fromOurPages, async (ctx) => consent.approve(ctx, await pending(ctx)));
  router.post('/abort', fromOurPages, async (ctx) => abort(ctx, await pending(ctx)));
  router.all(['/sign-in', '/consent', '/abort'], (ctx) => {
    ctx.set('Allow', 'POST');
    throw new PageError('method_not_allowed');
  });
  return router;
}

/** RFC 6749 §4.1.2.1: the client learns that the person said no. */
async function abort(ctx: RouterContext, { provider, interaction }: PendingStep): Promise<void> {
  const description =
    interaction.prompt.name === 'consent' ? 'the account holder denied the request' : 'the sign-in was cancelled';
  await finish(ctx, provider, { error: 'access_denied', error_description: description });
}
