import { randomBytes } from 'node:crypto';
import type { RouterContext } from '@koa/router';
import type { Next } from 'koa';
import type { Account } from '../../accounts/account.ts';
import { ACCOUNT_CONSOLE, consoleCallback } from '../../clients/account-console.ts';
import { readFields } from '../form.ts';
import { PageError } from '../page-error.ts';
import { seeOther } from '../see-other.ts';
import type { ConsoleCookies, ConsoleSession } from './console-cookies.ts';
import type { Visitor } from './section.ts';

export interface ConsoleGateDeps {
  readonly issuer: string;
  readonly cookies: ConsoleCookies;
  readonly signIn: ConsoleSignIn;
  /** Whose session of the server this is; `undefined` as soon as it, the grant or the account has ended. */
  readonly findVisitor: (session: ConsoleSession) => Promise<Account | undefined>;
  /** Seconds: `lifetimes.recentSignIn`. */
  readonly recentSignIn: number;
}

/** The authorization server as its client sees it: provider/console-sign-in.ts. */
interface ConsoleSignIn {
  requestUrl(request: ConsoleRequest & { readonly state: string }): Promise<string>;
  redeem(code: string, request: ConsoleRequest): Promise<Redeemed | undefined>;
}

interface ConsoleRequest {
  readonly clientId: string;
  readonly redirectUri: string;
  readonly nonce: string;
  readonly codeVerifier: string;
  readonly maxAge?: number | undefined;
  readonly loginHint?: string | undefined;
}

interface Redeemed {
  readonly accountId: string;
  readonly sessionUid: string;
  readonly grantId: string;
  readonly authTime: number;
  readonly amr: readonly string[];
  readonly acr: string | undefined;
}

/** The visitor has to sign in once more before this goes on, and comes back to the page. */
export class FreshSignIn extends Error {
  /** Below `/account`; `undefined` for where they are. */
  readonly page: string | undefined;

  constructor(page: string | undefined) {
    super('a fresh sign-in is needed');
    this.page = page;
  }
}

/** Longer than any code of ours. */
const LONGEST_CODE = 512;

/** Fields that are typed again after a fresh sign-in. */
const SECRET = /password|passphrase|secret|otp|token|credential|^code$/i;

/** Who comes into the console, and how. `isPage` says whether there is something to be seen at a path. */
export function createGate(deps: ConsoleGateDeps, isPage: (path: string) => boolean) {
  const { issuer, cookies, recentSignIn } = deps;
  const ours = { clientId: ACCOUNT_CONSOLE, redirectUri: consoleCallback(issuer) };

  async function visitorOf(ctx: RouterContext): Promise<Visitor | undefined> {
    const session = cookies.session(ctx);
    const account = session && (await deps.findVisitor(session));
    if (session === undefined || account === undefined) {
      return undefined;
    }
    const { sessionUid, authTime, amr, acr } = session;
    return { account, sessionUid, authTime: new Date(authTime * 1000), amr, acr };
  }

  async function startSignIn(
    ctx: RouterContext,
    returnTo: string,
    again: { maxAge?: number; loginHint?: string } = {},
  ) {
    const nonce = randomBytes(24).toString('base64url');
    const codeVerifier = randomBytes(32).toString('base64url');
    const state = cookies.writeState(ctx, { nonce, codeVerifier, returnTo });
    seeOther(ctx, await deps.signIn.requestUrl({ ...ours, ...again, nonce, codeVerifier, state }));
  }

  /** Of a form whose answer goes elsewhere the page of its section. */
  function pageOf(ctx: RouterContext): string {
    if (ctx.method !== 'POST') {
      return ctx.url;
    }
    return isPage(ctx.path) ? ctx.path : ctx.path.split('/').slice(0, 3).join('/');
  }

  async function redeem(ctx: RouterContext, signIn: { nonce: string; codeVerifier: string; returnTo: string }) {
    const { code } = ctx.query;
    const isCode = typeof code === 'string' && code.length <= LONGEST_CODE;
    const found = isCode ? await deps.signIn.redeem(code, { ...ours, ...signIn }) : undefined;
    if (found !== undefined) {
      const { acr, amr, ...session } = found;
      cookies.keepSession(ctx, { ...session, amr: [...amr], ...(acr === undefined ? {} : { acr }) });
    } else if ((await visitorOf(ctx)) === undefined) {
      throw new PageError('sign_in_lost', 'the code was used before, or belongs to another sign-in');
    }
    seeOther(ctx, ctx.mountPath + signIn.returnTo);
  }

  /** For `Console.typed`, where somebody has to sign in before their form counts. */
  async function keepTyped(ctx: RouterContext, accountId: string, path: string): Promise<void> {
    if (ctx.method === 'POST') {
      const typed = Object.entries(await readFields(ctx)).filter(([name]) => !SECRET.test(name));
      cookies.keepTyped(ctx, { accountId, path, fields: Object.fromEntries(typed) });
    }
  }

  return {
    visitorOf,

    async signIn(ctx: RouterContext): Promise<void> {
      const page = pageOf(ctx);
      const former = cookies.session(ctx);
      if (former !== undefined) {
        await keepTyped(ctx, former.accountId, page);
      }
      await startSignIn(ctx, page);
    },

    async orSignInAgain(ctx: RouterContext, { account }: Visitor, next: Next): Promise<void> {
      try {
        await next();
      } catch (error) {
        if (!(error instanceof FreshSignIn)) {
          throw error;
        }
        const page = error.page === undefined ? pageOf(ctx) : `/account${error.page}`;
        await keepTyped(ctx, account.accountId, page);
        await startSignIn(ctx, page, { maxAge: recentSignIn, loginHint: account.email });
      }
    },

    /** The redirect URI: RFC 6749 §4.1.2, and RFC 9207 for who it is that answers. */
    async comeBack(ctx: RouterContext): Promise<void> {
      const { state, iss, error } = ctx.query;
      const signIn = typeof state === 'string' ? cookies.readState(ctx, state) : undefined;
      if (signIn !== undefined && error === undefined && iss === issuer) {
        await redeem(ctx, signIn);
      } else if ((await visitorOf(ctx)) !== undefined) {
        seeOther(ctx, `${ctx.mountPath}/account`); // An old tab, or somebody who thought better of it.
      } else if (error === 'access_denied') {
        seeOther(ctx, `${ctx.mountPath}/`);
      } else {
        throw new PageError('sign_in_lost', 'the sign-in is too old, or was begun in another browser');
      }
    },
  };
}
