import { randomBytes } from 'node:crypto';
import type { Context } from 'koa';
import type { PendingSignIn, SignedIn, Tokens } from './authorization-server.ts';

/** Somebody who is signed in. Their tokens stay on this server: the browser has a cookie that means nothing elsewhere. */
export interface Session extends Omit<SignedIn, 'tokens'> {
  tokens: Tokens;
  /** A refresh that is under way: whoever needs a token meanwhile waits for the same one. */
  refreshing: Promise<void> | undefined;
}

const SESSION_COOKIE = 'sample_web_session';
const SESSION_LIFETIME = 8 * 60 * 60 * 1000;
const SIGN_IN_COOKIE = 'sample_web_sign_in';
const SIGN_IN_LIFETIME = 10 * 60 * 1000;

/**
 * In the memory of this process: a restart signs everybody out, and a second process knows nobody. Where that matters,
 * this is the file to replace, by a table or by Redis.
 */
export class Sessions {
  readonly #sessions = new Bounded<Session>(10_000, SESSION_LIFETIME);
  /** Apart from the sessions, because anybody can begin a sign-in: strangers do not push out who is signed in. */
  readonly #signIns = new Bounded<PendingSignIn & { readonly browser: string }>(10_000, SIGN_IN_LIFETIME);
  readonly #secure: boolean;

  constructor(ownUrl: string) {
    this.#secure = ownUrl.startsWith('https:');
  }

  find(ctx: Context): Session | undefined {
    return this.#sessions.get(ctx.cookies.get(SESSION_COOKIE) ?? '');
  }

  /** Always a new id: one that somebody knew, or planted, before the sign-in opens nothing (session fixation). */
  create(ctx: Context, { tokens, ...who }: SignedIn): void {
    this.end(ctx);
    const id = randomId();
    this.#sessions.set(id, { ...who, tokens, refreshing: undefined });
    this.#setCookie(ctx, SESSION_COOKIE, id);
  }

  end(ctx: Context): void {
    this.#sessions.delete(ctx.cookies.get(SESSION_COOKIE) ?? '');
    this.#setCookie(ctx, SESSION_COOKIE, null);
  }

  /** Those of one session at the authorization server; without its `sid`, all of that person. */
  endAll({ subject, sid }: { readonly subject?: string; readonly sid?: string }): void {
    for (const [id, session] of this.#sessions.entries()) {
      if (sid === undefined ? session.subject === subject : session.sid === sid) {
        this.#sessions.delete(id);
      }
    }
  }

  /** Found again by its state, and by nobody but this browser; several tabs may be on their way at once. */
  beginSignIn(ctx: Context, pending: PendingSignIn): void {
    const browser = ctx.cookies.get(SIGN_IN_COOKIE) ?? randomId();
    this.#signIns.set(pending.state, { ...pending, browser });
    this.#setCookie(ctx, SIGN_IN_COOKIE, browser);
  }

  /** Once only. */
  takeSignIn(ctx: Context): PendingSignIn | undefined {
    const state = typeof ctx.query.state === 'string' ? ctx.query.state : '';
    const pending = this.#signIns.get(state);
    if (pending === undefined || pending.browser !== ctx.cookies.get(SIGN_IN_COOKIE)) {
      return undefined;
    }
    this.#signIns.delete(state);
    return pending;
  }

  /** Lax, because people come back from the authorization server, which is another site. */
  #setCookie(ctx: Context, name: string, value: string | null): void {
    // Koa refuses `secure` on a socket without TLS; behind a proxy that ends it, the URL decides.
    ctx.cookies.secure = this.#secure;
    ctx.cookies.set(name, value, { httpOnly: true, sameSite: 'lax', secure: this.#secure, path: '/', overwrite: true });
  }
}

/** So many at most, each for so long; the oldest makes room. A Map keeps the order in which things were put in. */
class Bounded<Value> {
  readonly #entries = new Map<string, { readonly value: Value; readonly until: number }>();
  readonly #limit: number;
  readonly #lifetime: number;

  constructor(limit: number, lifetime: number) {
    this.#limit = limit;
    this.#lifetime = lifetime;
  }

  get(key: string): Value | undefined {
    const entry = this.#entries.get(key);
    return entry && entry.until > Date.now() ? entry.value : undefined;
  }

  set(key: string, value: Value): void {
    this.#entries.set(key, { value, until: Date.now() + this.#lifetime });
    for (const [oldest, { until }] of this.#entries) {
      if (this.#entries.size <= this.#limit && until > Date.now()) {
        break;
      }
      this.#entries.delete(oldest);
    }
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  *entries(): Generator<[string, Value]> {
    for (const [key, { value }] of this.#entries) {
      yield [key, value];
    }
  }
}

function randomId(): string {
  return randomBytes(32).toString('base64url');
}
