/** The password queue is full: 503 with `Retry-After`, no attempt counted. */
export class TooBusy extends Error {
  override readonly name = 'TooBusy';
  readonly retryAfterSeconds = 1;

  constructor() {
    super('too many passwords are being checked at once');
  }
}
