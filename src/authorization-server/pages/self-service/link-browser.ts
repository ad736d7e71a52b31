import { randomBytes } from 'node:crypto';
import type { ParameterizedContext } from 'koa';

const COOKIE = 'mailed_link';

/** By which a browser is known that asked for a link: where it opens the link, nothing else has to be shown. */
export interface LinkBrowsers {
  /** Gives the browser something to be known by, unless it has it. */
  remember(ctx: ParameterizedContext): string;
  read(ctx: ParameterizedContext): string | undefined;
}

/** `seconds`: that a link is good for. */
export function createLinkBrowsers(seconds: number): LinkBrowsers {
  const read = (ctx: ParameterizedContext) => ctx.cookies.get(COOKIE, { signed: true }) || undefined;
  return {
    read,
    remember(ctx) {
      const secret = read(ctx) ?? randomBytes(24).toString('base64url');
      ctx.cookies.set(COOKIE, secret, {
        path: ctx.mountPath || '/',
        httpOnly: true,
        // A link is followed from a mailbox, which is another site.
        sameSite: 'lax',
        signed: true,
        secure: ctx.secure,
        overwrite: true,
        maxAge: seconds * 1000,
      });
      return secret;
    },
  };
}
