export const PAGE_ERRORS = {
  malformed_form: 400,
  sign_in_lost: 400,
  sign_in_expired: 400,
  device_sign_in_lost: 400,
  cookies_needed: 400,
  client_gone: 400,
  cross_site_form: 403,
  not_found: 404,
  method_not_allowed: 405,
  form_too_large: 413,
  too_often: 429,
  internal: 500,
  too_busy: 503,
} as const;

export type PageErrorCode = keyof typeof PAGE_ERRORS;

/** How a person goes on from here. */
export interface WayOn {
  /** Begins the same sign-in again: a path of ours. */
  readonly again?: string | undefined;
  /** Whose sign-in it was. */
  readonly clientId?: string | undefined;
}

/** A problem of a person at a page, as opposed to the protocol errors that clients get: `locales/en/error.yaml` has its words. */
export class PageError extends Error {
  override readonly name = 'PageError';
  readonly code: PageErrorCode;
  readonly status: number;
  /** What exactly was wrong, for a developer: shown in the details part of the error page. */
  readonly detail: string | undefined;
  readonly wayOn: WayOn;

  constructor(code: PageErrorCode, detail?: string, wayOn: WayOn = {}) {
    super(detail === undefined ? code : `${code}: ${detail}`);
    this.code = code;
    this.status = PAGE_ERRORS[code];
    this.detail = detail;
    this.wayOn = wayOn;
  }
}
