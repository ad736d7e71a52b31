import type { PageErrorCode } from './page-error.ts';

/** What happened and what to do now, for a person who has never heard of OAuth. */
export interface ErrorWords {
  readonly title: string;
  readonly words: string;
}

const BACK = 'Go back to the app you came from and try again.';

const APP_MISTAKE: ErrorWords = {
  title: 'This sign-in link doesn’t work',
  words: `The app that sent you here made a mistake in its request. You did nothing wrong. ${BACK} If it happens again, tell the people who make the app: the details below help them.`,
};

const UNKNOWN: ErrorWords = {
  title: 'That didn’t work',
  words: `Something stopped the sign-in before it was finished. ${BACK}`,
};

/** RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6, RFC 8707 §2, RFC 9101 §7, RP-Initiated Logout. */
const PROTOCOL: Readonly<Record<string, ErrorWords>> = {
  invalid_request: APP_MISTAKE,
  invalid_request_object: APP_MISTAKE,
  invalid_request_uri: {
    title: 'This sign-in link has expired',
    words: `It was meant for one sign-in, and for a minute only. Nothing is lost: go back to the app you came from and start again.`,
  },
  request_not_supported: APP_MISTAKE,
  request_uri_not_supported: APP_MISTAKE,
  unsupported_response_type: APP_MISTAKE,
  unsupported_response_mode: APP_MISTAKE,
  invalid_client: {
    title: 'We don’t know this app',
    words: `The app that sent you here is not registered, or no longer. Check that you followed the right link, then go back to where you came from.`,
  },
  unauthorized_client: {
    title: 'This app may not do that',
    words: `The app that sent you here is registered, but not for this way of signing in. Tell the people who make the app: the details below help them.`,
  },
  invalid_redirect_uri: {
    title: 'We stopped to keep your account safe',
    words: `The app asked us to send you to an address that is not registered for it. This is mostly a mistake of the app, but it can be an attempt to steal your sign-in, so we go no further.`,
  },
  access_denied: {
    title: 'The app got no access',
    words: `The request was refused, and nothing was shared. ${BACK}`,
  },
  invalid_scope: {
    title: 'The app asked for too much',
    words: `It wants something that it may not have or that does not exist. Nothing was shared. Tell the people who make the app: the details below help them.`,
  },
  invalid_authorization_details: APP_MISTAKE,
  invalid_target: {
    title: 'The app asked for an unknown service',
    words: `It wants to use a service that is not registered here. Nothing was shared. Tell the people who make the app: the details below help them.`,
  },
  unmet_authentication_requirements: {
    title: 'The app wants a stronger sign-in',
    words: `It asks for a way of signing in that there is not here. Nothing was shared. Tell the people who make the app: the details below help them.`,
  },
  login_required: { title: 'Please sign in first', words: `The app needs you to sign in. ${BACK}` },
  interaction_required: { title: 'We need you for this', words: `The app tried to go on without asking you. ${BACK}` },
  consent_required: {
    title: 'We need your permission',
    words: `The app has not asked you for permission yet. ${BACK}`,
  },
  temporarily_unavailable: {
    title: 'We’ll be right back',
    words: 'Too much is going on at the moment. Please wait a little and try again.',
  },
  server_error: {
    title: 'Something went wrong on our side',
    words: `It’s not your fault, and it has been noted. Please try again in a moment.`,
  },
};

const PAGES: Readonly<Record<PageErrorCode, ErrorWords>> = {
  sign_in_lost: {
    title: 'This sign-in has ended',
    words: `It was finished already, took too long, or belongs to another window or account. Nothing is lost: go back to the app and sign in again.`,
  },
  client_gone: {
    title: 'This app is gone',
    words: 'The app that sent you here was removed while you were signing in. Nothing was shared with it.',
  },
  malformed_form: { title: 'We couldn’t read that form', words: 'Go back, fill it in again, and send it once more.' },
  form_too_large: {
    title: 'That was too much',
    words: 'The form you sent is larger than it can be. Go back and try again.',
  },
  cross_site_form: {
    title: 'We stopped to keep your account safe',
    words: 'Another site tried to send a form in your name. Nothing was changed. You can close this window.',
  },
  not_found: { title: 'There’s nothing here', words: 'The address may be mistyped, or the page has moved.' },
  method_not_allowed: {
    title: 'This address can’t be opened like that',
    words: 'It only receives forms. Use the back button of your browser and try again.',
  },
  internal: PROTOCOL.server_error as ErrorWords,
  too_busy: PROTOCOL.temporarily_unavailable as ErrorWords,
};

export function protocolErrorWords(code: string): ErrorWords {
  return Object.hasOwn(PROTOCOL, code) ? (PROTOCOL[code] ?? UNKNOWN) : UNKNOWN;
}

export function pageErrorWords(code: PageErrorCode): ErrorWords {
  return PAGES[code];
}
