import type { Context } from 'koa';
import type { AuthorizationServer } from './authorization-server.ts';
import { PendingAuthorizations } from './pending-authorizations.ts';
import type { Run } from './run.ts';
import { SessionStore } from './session-store.ts';

export interface BrowserSession {
  /** Which of those that are allowed it works with; changing it begins everything anew. */
  readonly server: AuthorizationServer;
  readonly pending: PendingAuthorizations;
  /** The last run of each flow, by its name. */
  readonly runs: Map<string, Run>;
}

const COOKIE = 'playground_session';
const LIFETIME = 60 * 60 * 1000;

/** Tokens and conversations take room: of so many browsers, and of so many flows each. */
const MOST_SESSIONS = 200;
const MOST_RUNS = 6;

/** The cookie is a random name for what is kept here; tokens, state, nonce and verifier stay on the server. */
export class BrowserSessions {
  readonly #store = new SessionStore<BrowserSession>({ limit: MOST_SESSIONS, lifetime: LIFETIME, now: Date.now });
  readonly #secure: boolean;

  constructor(ownUrl: string) {
    this.#secure = new URL(ownUrl).protocol === 'https:';
  }

  find(ctx: Context): BrowserSession | undefined {
    const id = ctx.cookies.get(COOKIE);
    return id === undefined ? undefined : this.#store.find(id);
  }

  /** A session begins with the first button that needs one; looking at the page does not create any. */
  findOrCreate(ctx: Context, server: AuthorizationServer): BrowserSession {
    return this.find(ctx) ?? this.create(ctx, server);
  }

  /** What the browser had before is forgotten with its cookie. */
  create(ctx: Context, server: AuthorizationServer): BrowserSession {
    const session: BrowserSession = { server, pending: new PendingAuthorizations(), runs: new Map() };
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

/** The run that was begun longest ago makes room. */
export function keepRun({ runs }: BrowserSession, run: Run): void {
  runs.delete(run.flowName);
  runs.set(run.flowName, run);
  for (const oldest of runs.keys()) {
    if (runs.size <= MOST_RUNS) {
      break;
    }
    runs.delete(oldest);
  }
}
