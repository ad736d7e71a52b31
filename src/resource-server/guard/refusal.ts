export interface RefusalOptions extends ErrorOptions {
  readonly status: number;
  /** RFC 6750 §3.1 where it has a code for it. */
  readonly code: string;
  /** For the developer of the client: what was wrong, and what was expected. */
  readonly description: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A request that is not carried out, in the words that its sender may read. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor({ status, code, description, headers = {}, ...options }: RefusalOptions) {
    super(description, options);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }

  /** Koa and Express render errors that say so by themselves. */
  get expose(): boolean {
    return this.status < 500;
  }

  /** The one shape of an error: `{ error, error_description }`, the words of RFC 6750 and RFC 6749. */
  get body(): string {
    return JSON.stringify({ error: this.code, error_description: this.message });
  }
}
