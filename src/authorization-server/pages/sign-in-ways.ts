import type Router from '@koa/router';
import type { RouterContext } from '@koa/router';
import type { Acr } from '../accounts/assurance.ts';
import type { Person, Proof } from '../accounts/person.ts';
import type { ClientCard } from './client-card.ts';

/** Where somebody signs in, and what comes of it. */
export interface SignInPlace {
  /** The actions of the step lie below it. */
  readonly path: string;
  /** For a hidden field of every form: the authorization request (remembered-request.ts). */
  readonly request: string;
  readonly client?: ClientCard | undefined;
  readonly isForDevice?: boolean;
  /** Completes "Sign in ...", where no client asks for it. */
  readonly purpose?: string;
  /** What of a step is proven here is worth nothing elsewhere: the interaction's id, or a secret that only this browser has. */
  readonly binding: string;
  /** For the audit. */
  readonly clientId?: string | undefined;
  readonly loginHint?: string | undefined;
  /** The client wants a newer sign-in than there is (`prompt=login`, `max_age`). */
  readonly afresh?: boolean | undefined;
  /** What the client asks for (OpenID Connect Core §5.5.1.1). */
  readonly asks: AskedAcr;
  /** Who is signed in here already and is asked for more: they prove only what is missing. */
  readonly signedIn?: { readonly accountId: string; readonly amr: readonly string[]; readonly at: Date } | undefined;
  finish(ctx: RouterContext, result: SignInResult): Promise<void>;
  /** Ends the sign-in with an error for the client. Absent where there is none. */
  fail?(ctx: RouterContext, error: string, description: string): Promise<void>;
}

/** Any of these will do; `undefined` where it does not matter. */
export interface AskedAcr {
  readonly values: readonly Acr[] | undefined;
  /** An error otherwise. */
  readonly essential: boolean;
}

export interface SignInResult {
  readonly accountId: string;
  readonly acr: Acr;
  readonly amr: string[];
  /** Seconds, where it was not just now. */
  readonly ts?: number | undefined;
}

/** One of the ways that the sign-in pages offer besides an email and a password. */
export interface SignInWay {
  /**
   * What it is on the pages: `views/sign-in/<part>.ejs` on the first step's page, where `view.parts.<part>` is what `offer`
   * returned. `links` stand below the form.
   */
  readonly part: 'passkey' | 'upstream' | 'links';
  /** Not on this page: `undefined`. */
  offer(ctx: RouterContext, place: SignInPlace): object | undefined | Promise<object | undefined>;
  /** For `views/second-step/<part>.ejs`, where somebody has to confirm who they are. Its form also sends `view.progress`, as `progress`. */
  offerSecond?(
    ctx: RouterContext,
    place: SignInPlace,
    person: Person,
  ): object | undefined | Promise<object | undefined>;
  /** For `views/set-up/<part>.ejs`, where somebody has to set up a second factor before they go on. */
  offerSetUp?(ctx: RouterContext, place: SignInPlace, person: Person): object | undefined | Promise<object | undefined>;
  /** Somebody has signed in, in whatever way: called once, before the browser is sent on. */
  signedIn?(ctx: RouterContext, place: SignInPlace, person: Person): Promise<void>;
  /** Assets, for the pages that show it. */
  readonly scripts?: readonly string[];
  /** `router` has the prefix `/interaction/:uid`; what is posted comes from our own pages. */
  routes?(router: Router, signIn: SignIn): void;
}

/** The sign-in under way. */
export interface SignIn {
  /** Throws `PageError` (`sign_in_lost`) where the interaction is not the one of this browser. */
  place(ctx: RouterContext): Promise<SignInPlace>;
  /**
   * Somebody has shown who they are. Decides what is due: another step (with what was proven so far kept in the page's field
   * `progress`), a second factor to be set up, or the end, of which the audit knows. Answers the request.
   */
  complete(ctx: RouterContext, place: SignInPlace, proof: Proof): Promise<void>;
  /** Who has come how far, by the form's `progress`; `undefined` when that is nothing, or too long ago. */
  progress(ctx: RouterContext, place: SignInPlace): Promise<Progress | undefined>;
  /** The first step's page again, with a problem in words (translated already). */
  ask(
    ctx: RouterContext,
    place: SignInPlace,
    status: number,
    view: { email?: string; problem?: string },
  ): Promise<void>;
  /** The second step's page again. */
  askSecond(
    ctx: RouterContext,
    place: SignInPlace,
    progress: Progress,
    status: number,
    view: { problem?: string },
  ): Promise<void>;
}

/** What has been proven so far. */
export interface Progress {
  readonly person: Person;
  readonly amr: readonly string[];
  /** Of the oldest proof. */
  readonly at: Date;
}
