import { randomBytes } from 'node:crypto';
import type { RouterContext } from '@koa/router';
import { z } from 'zod';

/** AES-GCM under keys of this server. What was sealed for one purpose and one holder opens for no other. */
export interface Seal {
  seal(purpose: string, text: string, holder: string): string;
  open(purpose: string, sealed: string, holder: string): string | undefined;
}

/** Whoever signed in at the console, as the code said that the browser came back with. */
const ConsoleSession = z.object({
  accountId: z.string(),
  sessionUid: z.string(),
  grantId: z.string(),
  /** Seconds since 1970. */
  authTime: z.number(),
  amr: z.array(z.string()),
  acr: z.string().optional(),
});
export type ConsoleSession = z.infer<typeof ConsoleSession>;

/** A sign-in under way. It travels as the request's `state`, which only the browser that it was made for can open. */
const SignInUnderWay = z.object({
  nonce: z.string(),
  codeVerifier: z.string(),
  /** Path and query below the issuer. */
  returnTo: z.string(),
  /** Milliseconds since 1970. */
  startedAt: z.number(),
});
export type SignInUnderWay = z.infer<typeof SignInUnderWay>;

const Typed = z.object({ accountId: z.string(), path: z.string(), fields: z.record(z.string(), z.string()) });
export type Typed = z.infer<typeof Typed>;

/** A browser keeps 4096 bytes of a cookie, and a box is a third larger than what is in it. */
const LONGEST_TYPED = 2_500;

export interface ConsoleCookiesDeps {
  readonly issuer: string;
  readonly seal: Seal;
  /** Seconds: of a sign-in under way, and of a session. */
  readonly lifetimes: { readonly interaction: number; readonly session: number };
  readonly now?: (() => number) | undefined;
}

/**
 * What the console keeps, all of it in the browser: there is nothing to look up, to expire and to leak. A session here says no
 * more than who signed in and in which session of the server, and counts only while that one lives (console.ts). Everything is
 * sealed for one browser, which is known by a random value of its own, so that no box of another browser opens here.
 */
export function createConsoleCookies({ issuer, seal, lifetimes, now = Date.now }: ConsoleCookiesDeps) {
  const jar = createJar(issuer);
  const browserOf = (ctx: RouterContext) => jar.get(ctx, 'account-browser');
  const rememberBrowser = (ctx: RouterContext): string => {
    const browser = browserOf(ctx) ?? randomBytes(32).toString('base64url');
    jar.set(ctx, 'account-browser', browser, lifetimes.session);
    return browser;
  };
  const read = <Value>(ctx: RouterContext, schema: z.ZodType<Value>, purpose: string, sealed: string | undefined) => {
    const browser = browserOf(ctx);
    const opened = browser && sealed ? seal.open(purpose, sealed, browser) : undefined;
    return opened === undefined ? undefined : schema.safeParse(JSON.parse(opened)).data;
  };
  return {
    session: (ctx: RouterContext): ConsoleSession | undefined =>
      read(ctx, ConsoleSession, 'account session', jar.get(ctx, 'account')),
    keepSession(ctx: RouterContext, session: ConsoleSession): void {
      const sealed = seal.seal('account session', JSON.stringify(session), rememberBrowser(ctx));
      jar.set(ctx, 'account', sealed, lifetimes.session);
    },
    /** For the `state` of a request. */
    writeState(ctx: RouterContext, signIn: Omit<SignInUnderWay, 'startedAt'>): string {
      const text = JSON.stringify({ ...signIn, startedAt: now() });
      return seal.seal('account sign-in', text, rememberBrowser(ctx));
    },
    /** `undefined` where it is another browser's, nobody's, or too old. */
    readState(ctx: RouterContext, state: string): SignInUnderWay | undefined {
      const found = read(ctx, SignInUnderWay, 'account sign-in', state);
      return found && now() - found.startedAt < lifetimes.interaction * 1000 ? found : undefined;
    },
    keepTyped(ctx: RouterContext, typed: Typed): void {
      const text = JSON.stringify(typed);
      if (text.length <= LONGEST_TYPED) {
        const sealed = seal.seal('account form', text, rememberBrowser(ctx));
        jar.set(ctx, 'account-typed', sealed, lifetimes.interaction);
      }
    },
    /** Once. */
    takeTyped(ctx: RouterContext): Typed | undefined {
      const sealed = jar.get(ctx, 'account-typed');
      if (sealed !== undefined) {
        jar.set(ctx, 'account-typed', null, 0);
      }
      return read(ctx, Typed, 'account form', sealed);
    },
  };
}

export type ConsoleCookies = ReturnType<typeof createConsoleCookies>;

/** `__Host-` asks for https and for the path `/`: an issuer with a path shares its host, and keeps its cookies to itself. */
function createJar(issuer: string) {
  const { pathname, protocol } = new URL(issuer);
  const secure = protocol === 'https:';
  const isWholeHost = secure && pathname === '/';
  const prefix = isWholeHost ? '__Host-' : secure ? '__Secure-' : '';
  const path = isWholeHost ? '/' : `${pathname.replace(/\/$/, '')}/account`;
  return {
    get: (ctx: RouterContext, name: string) => ctx.cookies.get(prefix + name, { signed: false }),
    set(ctx: RouterContext, name: string, value: string | null, seconds: number) {
      const expires = new Date(Date.now() + seconds * 1000);
      const lasting = value === null ? {} : { expires };
      const attributes = { path, secure, httpOnly: true, sameSite: 'lax', signed: false, overwrite: true } as const;
      ctx.cookies.set(prefix + name, value, { ...attributes, ...lasting });
    },
  };
}
