import Router, { type RouterContext } from '@koa/router';
import type Provider from 'oidc-provider';
import type { Account, AccountStore } from '../accounts/account.ts';
import { reaches } from '../accounts/assurance.ts';
import type { RequiresSecondFactor } from '../accounts/second-factor-policy.ts';
import {
  type Authentication,
  allowRequest,
  askingClient,
  type BackchannelRequest,
  denyRequest,
  isWaiting,
} from '../flows/ciba/answer.ts';
import type { ResourceStore } from '../resources/resource-server.ts';
import type { BrowserSession } from './interaction.ts';
import type { Page } from './page.ts';
import { PageError } from './page-error.ts';
import { requestCard } from './request-card.ts';
import { requireSameOrigin } from './same-origin.ts';
import { seeOther } from './see-other.ts';
import { signInHere } from './sign-in-here.ts';
import type { SignInSteps } from './sign-in-steps.ts';

export interface RequestsPage extends AnsweringPeople {
  readonly provider: () => Provider;
  readonly page: Page;
  readonly signIn: SignInSteps;
  readonly findAccount: AccountStore['findAccount'];
  readonly listResourceServers: ResourceStore['listResourceServers'];
}

/** What this page needs and no other does. */
export interface AnsweringPeople {
  readonly sessions: {
    find(ctx: RouterContext): Promise<BrowserSession | undefined>;
    begin(ctx: RouterContext, login: { accountId: string; acr: string; amr: string[] }): Promise<void>;
  };
  /** Of a session from before it was required, more is asked here as at every authorization request. */
  readonly requiresSecondFactor: RequiresSecondFactor;
  /** The newest first. */
  readonly waitingRequests: (accountId: string) => Promise<readonly { handle: string; id: string }[]>;
  readonly permittedScopes: ResourceStore['permittedScopes'];
  /** True for one of any number of answers to one request that come at once. */
  readonly mayAnswer: (handle: string) => Promise<boolean>;
}

interface Person {
  readonly account: Account;
  readonly authentication: Authentication;
}

/** What is said after an answer; the address names which. */
const OUTCOMES = ['allowed', 'denied', 'over'] as const;
type Outcome = (typeof OUTCOMES)[number];

/** `/requests`: what clients ask of whoever is signed in (CIBA), to be allowed or denied. */
export function requestsPage(deps: RequestsPage): Router {
  const router = new Router({ prefix: '/requests', sensitive: true });
  const fromOurPages = requireSameOrigin(() => deps.provider().issuer);
  const signIn = signInHere(deps);
  const answered = (allows: boolean) => async (ctx: RouterContext) => {
    const person = await personAt(ctx, deps);
    const outcome = person && (await answer(deps, person, ctx.params.handle ?? '', allows));
    seeOther(ctx, pathOf(ctx) + (outcome === undefined ? '' : `?outcome=${outcome}`));
  };

  router.get('/', async (ctx) => {
    const person = await personAt(ctx, deps);
    await (person === undefined ? signIn.show(ctx) : list(ctx, deps, person));
  });
  router.use((ctx, next) => (ctx.method === 'POST' ? fromOurPages(ctx, next) : next()));
  signIn.routes(router);
  router.post('/:handle/allow', answered(true));
  router.post('/:handle/deny', answered(false));
  router.all(['/:handle/allow', '/:handle/deny'], (ctx) => {
    ctx.set('Allow', 'POST');
    throw new PageError('method_not_allowed');
  });
  return router;
}

/** `undefined` where nobody is signed in, or not as surely as the account has to be. */
async function personAt(
  ctx: RouterContext,
  { sessions, findAccount, requiresSecondFactor }: RequestsPage,
): Promise<Person | undefined> {
  const session = await sessions.find(ctx);
  const account = session?.accountId === undefined ? undefined : await findAccount(session.accountId);
  if (session === undefined || account === undefined || account.disabled) {
    return undefined;
  }
  const { acr, amr, loginTs } = session;
  if (requiresSecondFactor(account) && !reaches(acr, 'mfa')) {
    return undefined;
  }
  return { account, authentication: { acr, amr, authTime: loginTs } };
}

async function list(ctx: RouterContext, deps: RequestsPage, { account }: Person): Promise<void> {
  const { provider, page, waitingRequests, listResourceServers, permittedScopes } = deps;
  const [waiting, resourceServers, permitted] = await Promise.all([
    waitingRequests(account.accountId),
    listResourceServers(),
    permittedScopes(account.roles),
  ]);
  const cards = await Promise.all(
    waiting.map(async ({ handle, id }) => {
      const request = await findWaiting(provider(), id);
      return (
        request &&
        requestCard(handle, { provider: provider(), request, resourceServers, permitted }, page.translate(ctx))
      );
    }),
  );
  const requests = cards.filter((card) => card !== undefined);
  const said = OUTCOMES.find((outcome) => outcome === ctx.query.outcome);
  page.render(
    ctx,
    'requests',
    { path: pathOf(ctx), root: ctx.mountPath, account: { name: account.name, email: account.email }, requests, said },
    { title: page.translate(ctx)('requests.title', { count: requests.length }), status: 200, withinFlow: true },
  );
}

async function answer(
  deps: RequestsPage,
  { account, authentication }: Person,
  handle: string,
  allows: boolean,
): Promise<Outcome> {
  const { provider, waitingRequests, listResourceServers, permittedScopes, mayAnswer } = deps;
  // Among this person's own: an answer to anybody else's finds nothing.
  const waiting = (await waitingRequests(account.accountId)).find((one) => one.handle === handle);
  const request = waiting && (await mayAnswer(handle)) ? await findWaiting(provider(), waiting.id) : undefined;
  if (request === undefined) {
    return 'over';
  }
  if (!allows) {
    await denyRequest({ provider: provider(), request });
    return 'denied';
  }
  const [resourceServers, permitted] = await Promise.all([listResourceServers(), permittedScopes(account.roles)]);
  await allowRequest({ provider: provider(), request, resourceServers, permitted }, authentication);
  return 'allowed';
}

async function findWaiting(provider: Provider, id: string): Promise<BackchannelRequest | undefined> {
  const request = await provider.BackchannelAuthenticationRequest.find(id);
  const isThere =
    request !== undefined && isWaiting(request) && (await askingClient({ provider, request })) !== undefined;
  return isThere ? request : undefined;
}

function pathOf(ctx: RouterContext): string {
  return `${ctx.mountPath}/requests`;
}
