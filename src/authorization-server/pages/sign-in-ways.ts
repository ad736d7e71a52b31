import type Router from '@koa/router';
import type { RouterContext } from '@koa/router';
import type { Account } from '../accounts/account.ts';
import type { Acr, AskedAcr } from '../accounts/assurance.ts';
import type { Method, Person, Proof } from '../accounts/person.ts';
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
  /** What the client asks for (OpenID Connect Core §5.5.1.1). */
  readonly asks: AskedAcr;
  /** Whoever is signed in has to prove who they are all the same (`prompt=login`, `max_age`). */
  readonly afresh?: boolean;
  finish(ctx: RouterContext, result: SignInResult): Promise<void>;
  /** Ends the sign-in with an error for the client. Absent where there is none. */
  fail?(ctx: RouterContext, error: string, description: string): Promise<void>;
}

export interface SignInResult {
  readonly accountId: string;
  readonly acr: Acr;
  readonly amr: string[];
  /** Seconds since 1970: when. */
  readonly ts: number;
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
  /** Somebody has signed in here, with everything that was due; before they go on. */
  signedIn?(ctx: RouterContext, place: SignInPlace, person: Person): Promise<void>;
  /** Assets, for the pages that show it. */
  readonly scripts?: readonly string[];
  /** `router` has the path of the place for a prefix (`/interaction/:uid`); what is posted comes from our own pages. */
  routes?(router: Router, signIn: SignIn): void;
}

/** The sign-in under way. */
export interface SignIn {
  /** Throws where it is not one of this browser. */
  place(ctx: RouterContext): Promise<SignInPlace>;
  /**
   * Somebody has shown who they are. Decides what is due: another step (with what was proven so far kept in the page's field
   * `progress`), a second factor to be set up, or the end, of which the audit log knows. Answers the request.
   */
  complete(ctx: RouterContext, place: SignInPlace, proof: Proof): Promise<void>;
  /** Who has come how far, by the form's `progress`; `undefined` when that is nothing, or too long ago. */
  progress(ctx: RouterContext, place: SignInPlace): Promise<Progress | undefined>;
  /** The first step's page, with a problem in words (translated already). */
  ask(ctx: RouterContext, place: SignInPlace, status: number, view: FirstStepView): Promise<void>;
  /** Whatever is due after that progress, with a problem in words. */
  goOn(ctx: RouterContext, place: SignInPlace, progress: Progress, problem?: StepProblem): Promise<void>;
  /** Where a second factor is due to be set up, and nowhere else: adds one, shows the recovery codes, and goes on after them. */
  setUp(ctx: RouterContext, place: SignInPlace, add: SetUp): Promise<void>;
}

/** Adds a second factor, and tells its owner. What is proven by that counts in this sign-in; it may be nothing. */
export type SetUp = (
  account: Account,
) => Promise<{ readonly methods: readonly Method[]; readonly amr: readonly string[] } | StepProblem>;

export interface FirstStepView {
  readonly email?: string | undefined;
  /** About the whole form. */
  readonly problem?: string | undefined;
  /** The problem is what was typed into the fields. */
  readonly refused?: boolean;
  /** By field. */
  readonly problems?: Readonly<Record<string, string>>;
}

export interface StepProblem {
  readonly status: number;
  readonly problem: string;
  /** The field that it is about. */
  readonly field?: string;
}

/** What has been proven so far. */
export interface Progress {
  readonly person: Person;
  readonly amr: readonly string[];
  /** In their order. */
  readonly methods: readonly Method[];
  /** Seconds: of the session that a step is added to; `undefined` where all of it is proven just now. */
  readonly authTime?: number | undefined;
  /** For the audit log. */
  readonly details?: Readonly<Record<string, string>> | undefined;
}
