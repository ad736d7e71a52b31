/** The password queue is full, or a directory that keeps passwords is away: 503 with `Retry-After`, no attempt counted. */
export class TooBusy extends Error {
  override readonly name = 'TooBusy';
  readonly retryAfterSeconds = 1;

  constructor(reason = 'too many passwords are being checked at once') {
    super(reason);
  }
}
