import type { Context } from 'koa';
import type { Outcome } from './outcome.ts';
import { PendingAuthorizations } from './pending-authorizations.ts';
import type { WaitingDevice } from './run-device.ts';
import { SessionStore } from './session-store.ts';

export interface BrowserSession {
  readonly pending: PendingAuthorizations;
  outcome: Outcome | undefined;
  device: WaitingDevice | undefined;
}

const COOKIE = 'playground_session';
const LIFETIME = 60 * 60 * 1000;

/** The cookie is a random name for what is kept here; tokens, state, nonce and verifier stay on the server. */
export class BrowserSessions {
  readonly #store = new SessionStore<BrowserSession>({ limit: 1000, lifetime: LIFETIME, now: Date.now });
  readonly #secure: boolean;

  constructor(ownUrl: string) {
    this.#secure = new URL(ownUrl).protocol === 'https:';
  }

  find(ctx: Context): BrowserSession | undefined {
    const id = ctx.cookies.get(COOKIE);
    return id === undefined ? undefined : this.#store.find(id);
  }

  /** A session begins with the first button that needs one; looking at the page does not create any. */
  findOrCreate(ctx: Context): BrowserSession {
    const known = this.find(ctx);
    if (known) {
      return known;
    }
    const session: BrowserSession = { pending: new PendingAuthorizations(), outcome: undefined, device: undefined };
    // Koa refuses `secure` on a socket without TLS; behind a proxy that ends it, the URL decides.
    ctx.cookies.secure = this.#secure;
    ctx.cookies.set(COOKIE, this.#store.create(session), {
      httpOnly: true,
      sameSite: 'lax',
      secure: this.#secure,
      path: '/',
      overwrite: true,
    });
    return session;
  }
}
