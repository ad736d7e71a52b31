import Router, { type RouterContext } from '@koa/router';
import type { IdentityStore } from '../accounts/identities.ts';
import type { Person, PersonStore } from '../accounts/person.ts';
import type { Arrival, Recognise } from '../accounts/recognise.ts';
import type { Audit } from '../audit/audit.ts';
import { type UpstreamProvider, UpstreamUnavailable } from '../authenticators/upstream-provider.ts';
import { type AwayAndBackDeps, type Back, createAwayAndBack } from './away-and-back.ts';
import type { Notices } from './notices.ts';
import type { Page } from './page.ts';
import { PageError } from './page-error.ts';
import { seeOther } from './see-other.ts';
import type { SignIn, SignInPlace, SignInWay } from './sign-in-ways.ts';
import { stepAction } from './step-action.ts';

/** An upstream provider, and what its people may do here. */
export interface UpstreamWay extends UpstreamProvider {
  readonly createsAccounts: boolean;
}

export interface SignInWithDeps extends AwayAndBackDeps {
  readonly page: Page;
  readonly issuer: string;
  readonly providers: readonly UpstreamWay[];
  readonly recognise: Recognise;
  readonly identities: Pick<IdentityStore, 'link'>;
  readonly findPerson: PersonStore['findPerson'];
  readonly audit: Pick<Audit, 'record'>;
  readonly notices: Notices;
  /** To an operator: a provider that does not work. */
  readonly report: (error: UpstreamUnavailable) => void;
}

/** RFC 8176 has no value for it; this is what others say, too. */
const AMR = ['fed'];

/** What a cookie has room for of a request, and an address; without it the sign-in is found by its own cookie only. */
const LONGEST_CARRIED = 2_000;

/**
 * "Sign in with …": the browser goes to another OpenID provider and comes back to `/sign-in-with/<id>/callback`, which all
 * sign-ins share; from there it is led to the sign-in that it was sent from.
 */
export function signInWith(deps: SignInWithDeps) {
  const { providers } = deps;
  const travels = createAwayAndBack(deps);
  const way: SignInWay = {
    part: 'upstream',
    offer: (_ctx, { path }) =>
      providers.length > 0 && path.includes('/interaction/')
        ? { providers: providers.map(({ id, name }) => ({ id, name })) }
        : undefined,
    routes(router, signIn) {
      stepAction(router, signIn.place, '/sign-in-with/:id', (ctx, place) => sendAway(ctx, signIn, place));
      router.get('/came-back', async (ctx) => goOn(ctx, signIn, await signIn.place(ctx)));
    },
    signedIn: connect,
  };
  const callback = new Router({ prefix: '/sign-in-with/:id' });
  callback.get('/callback', welcomeBack);
  return { way, callback };

  async function sendAway(ctx: RouterContext, signIn: SignIn, place: SignInPlace): Promise<void> {
    const provider = providerIn(ctx);
    const begun = await unlessUnavailable(() =>
      provider.begin({
        redirectUri: callbackOf(provider),
        loginHint: place.loginHint,
        uiLocales: deps.page.translate(ctx).language,
        afresh: place.afresh === true,
      }),
    );
    if (begun === undefined) {
      return say(ctx, signIn, place, 503, 'unavailable', provider);
    }
    const { path, binding } = place;
    const request = place.request.length <= LONGEST_CARRIED ? place.request : '';
    travels.leave(ctx, provider.id, { sentAway: begun.sentAway, path, binding, request });
    seeOther(ctx, begun.url);
  }

  async function welcomeBack(ctx: RouterContext): Promise<void> {
    const provider = providerIn(ctx);
    const away = travels.comeBack(ctx, provider.id, ctx.query.state);
    if (away === undefined) {
      throw new PageError('sign_in_lost', 'this browser was not sent for such an answer');
    }
    const answer = new URL(callbackOf(provider) + ctx.search);
    const finished = await unlessUnavailable(async () => ({ person: await provider.finish(answer, away.sentAway) }));
    const { path, binding, request } = away;
    const failed = finished === undefined;
    travels.arrive(ctx, path, { provider: provider.id, binding, person: finished?.person, failed });
    seeOther(ctx, `${path}/came-back${request === '' ? '' : `?request=${request}`}`);
  }

  async function goOn(ctx: RouterContext, signIn: SignIn, place: SignInPlace): Promise<void> {
    const back = travels.arrived(ctx, place);
    const provider = providers.find(({ id }) => id === back?.provider);
    if (back === undefined || provider === undefined) {
      return say(ctx, signIn, place, 400, 'expired');
    }
    const arrival = arrivalOf(back, provider.createsAccounts);
    if (arrival === undefined) {
      return back.failed
        ? say(ctx, signIn, place, 503, 'unavailable', provider)
        : say(ctx, signIn, place, 200, 'refused', provider);
    }
    const recognition = await deps.recognise(arrival);
    if (recognition.outcome === 'has_account') {
      const { email } = recognition.account;
      const problem = deps.page.translate(ctx)('sign-in-with.has-account', { email, provider: provider.name });
      return signIn.ask(ctx, place, 200, { email, problem });
    }
    const person = 'account' in recognition ? await deps.findPerson(recognition.account.accountId) : undefined;
    if (person === undefined) {
      const details = { method: 'upstream', provider: provider.id, reason: recognition.outcome };
      await deps.audit.record({ kind: 'sign_in_failed', clientId: place.clientId, details });
      const problem = recognition.outcome === 'email_unverified' ? 'email-unverified' : 'no-account';
      return say(ctx, signIn, place, 403, problem, provider);
    }
    if (recognition.outcome === 'created') {
      await deps.audit.record({
        kind: 'account_created',
        accountId: person.account.accountId,
        details: { provider: provider.id },
      });
    }
    travels.settle(ctx, place.path);
    await signIn.complete(ctx, place, { person, method: 'upstream', amr: AMR, details: { provider: provider.id } });
  }

  /** Whoever came from a provider with the verified email of an account here, and has then signed in to it, is its owner. */
  async function connect(ctx: RouterContext, place: SignInPlace, { account }: Person): Promise<void> {
    const back = travels.arrived(ctx, place);
    const arrival = back && arrivalOf(back, false);
    if (arrival === undefined) {
      return;
    }
    travels.settle(ctx, place.path);
    const recognition = await deps.recognise(arrival);
    const isTheirs =
      recognition.outcome === 'has_account' &&
      recognition.account.accountId === account.accountId &&
      account.emailVerified;
    const { provider, subject, email = '' } = arrival;
    if (isTheirs && (await deps.identities.link(account.accountId, { provider, subject, email }))) {
      await deps.audit.record({ kind: 'identity_linked', accountId: account.accountId, details: { provider } });
      const name = providers.find(({ id }) => id === provider)?.name ?? provider;
      await deps.notices.tell(ctx, account, 'identity-linked', { name });
    }
  }

  function say(
    ctx: RouterContext,
    signIn: SignIn,
    place: SignInPlace,
    status: number,
    message: string,
    provider?: UpstreamWay,
  ): Promise<void> {
    const values = provider === undefined ? {} : { provider: provider.name };
    return signIn.ask(ctx, place, status, { problem: deps.page.translate(ctx)(`sign-in-with.${message}`, values) });
  }

  function providerIn(ctx: RouterContext): UpstreamWay {
    const provider = providers.find(({ id }) => id === ctx.params.id);
    if (provider === undefined) {
      throw new PageError('not_found');
    }
    return provider;
  }

  function callbackOf({ id }: UpstreamWay): string {
    return `${deps.issuer}/sign-in-with/${id}/callback`;
  }

  async function unlessUnavailable<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof UpstreamUnavailable)) {
        throw error;
      }
      deps.report(error);
      return undefined;
    }
  }
}

function arrivalOf({ provider, person }: Back, createsAccounts: boolean): Arrival | undefined {
  return person && { provider, createsAccounts, ...person, email: person.email, name: person.name };
}
