import Koa from 'koa';
import { AuthorizationResponseError, ClientError, ResponseBodyError } from 'openid-client';
import { ApiRefusal, SessionEnded } from './resource-api.ts';

/** What went wrong, for the person in front of it, and always with a way on. */
export interface Problem {
  readonly status: number;
  readonly title: string;
  readonly advice: string;
  readonly way: 'sign in' | 'go home' | 'sign out there';
  /** Where that is. */
  readonly href?: string;
  /** The words of whoever refused, for the developer of this app. */
  readonly detail?: string;
}

const SESSION_ENDED: Problem = {
  status: 401,
  title: 'Your session has ended',
  advice: 'You signed out elsewhere, or took back this app’s access, or it has been a while. Sign in to go on.',
  way: 'sign in',
};

const DENIED: Problem = {
  status: 403,
  title: 'You did not let this app in',
  advice: 'That is fine: nothing was shared. If you change your mind, sign in and allow it.',
  way: 'sign in',
};

const UNANSWERED: Problem = {
  status: 503,
  title: 'A server does not answer',
  advice: 'Try again in a moment.',
  way: 'go home',
};

const NO_SUCH_PAGE: Problem = {
  status: 404,
  title: 'There is no such page',
  advice: 'The address may be mistyped. Everything here is on the first page.',
  way: 'go home',
};

const BROKEN: Problem = {
  status: 500,
  title: 'Something broke in this app',
  advice: 'That is a mistake in it, and not yours.',
  way: 'go home',
};

/** A sign-in that this browser did not begin, or so long ago that nobody remembers: nothing is done with its answer. */
export class UnknownSignIn extends Error {
  override readonly name = 'UnknownSignIn';
}

/** Nothing of the session is left in this app; of the tokens it is not known. */
export class SignedOutHere extends Error {
  override readonly name = 'SignedOutHere';
  readonly href: string;

  constructor(href: string) {
    super();
    this.href = href;
  }
}

const SIGNED_OUT_HERE = {
  status: 503,
  title: 'You are signed out of this app',
  advice:
    'The authorization server does not answer right now, so this app’s access may not have ended yet. This app keeps trying to end it, for an hour. You are still signed in at that server: sign out there too, once it answers.',
  way: 'sign out there',
} as const;

const UNKNOWN_SIGN_IN: Problem = {
  status: 400,
  title: 'That sign-in is over',
  advice: 'It took too long, or it was begun in another browser. Nothing was shared; begin again.',
  way: 'sign in',
};

/** Turns whatever was thrown into a page. Status 500 is a mistake of this app, for its log. */
export function problemOf(thrown: unknown): Problem {
  if (thrown instanceof SessionEnded) {
    return SESSION_ENDED;
  }
  if (thrown instanceof UnknownSignIn) {
    return UNKNOWN_SIGN_IN;
  }
  if (thrown instanceof SignedOutHere) {
    return { ...SIGNED_OUT_HERE, href: thrown.href };
  }
  if (thrown instanceof ApiRefusal && thrown.status >= 500) {
    return UNANSWERED;
  }
  if (thrown instanceof ApiRefusal) {
    const detail = `${thrown.status} ${thrown.code}: ${thrown.message}`;
    return { status: thrown.status, title: 'The API said no', advice: adviceOn(thrown), way: 'go home', detail };
  }
  if (thrown instanceof AuthorizationResponseError && thrown.error === 'access_denied') {
    return DENIED;
  }
  if (thrown instanceof AuthorizationResponseError || thrown instanceof ResponseBodyError) {
    const detail = `${thrown.error}: ${thrown.error_description ?? ''}`;
    return { status: 502, title: 'You could not be signed in', advice: 'Begin again.', way: 'sign in', detail };
  }
  if (isUnreachable(thrown)) {
    return UNANSWERED;
  }
  if (thrown instanceof ClientError) {
    const advice = 'The answer did not pass the checks that keep others from signing in as you. Begin again.';
    const { message: detail } = thrown;
    return { status: 400, title: 'You could not be signed in', advice, way: 'sign in', detail };
  }
  if (thrown instanceof Koa.HttpError && thrown.status === 404) {
    return NO_SUCH_PAGE;
  }
  if (thrown instanceof Koa.HttpError && thrown.status < 500) {
    return { status: thrown.status, title: 'That did not work', advice: thrown.message, way: 'go home' };
  }
  return BROKEN;
}

function adviceOn({ code }: ApiRefusal): string {
  return code === 'insufficient_scope' || code === 'insufficient_role'
    ? 'Either you did not allow this app to do that, or you may not do it yourself.'
    : 'This app asked for something that the API does not do.';
}

/** fetch rejects with a TypeError when it cannot connect, and with a TimeoutError when nobody answers in time. */
function isUnreachable(thrown: unknown): boolean {
  for (let error = thrown; error instanceof Error; error = error.cause) {
    if (error.name === 'TimeoutError' || (error instanceof TypeError && error.message === 'fetch failed')) {
      return true;
    }
  }
  return false;
}
