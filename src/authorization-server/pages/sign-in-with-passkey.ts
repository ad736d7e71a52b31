import { isIP } from 'node:net';
import type { RouterContext } from '@koa/router';
import type { Person } from '../accounts/person.ts';
import type { Passkeys } from '../authenticators/passkeys.ts';
import { readFields } from './form.ts';
import type { Page } from './page.ts';
import { PageError } from './page-error.ts';
import type { SignIn, SignInPlace, SignInWay } from './sign-in-ways.ts';

export interface SignInWithPasskeyDeps {
  readonly page: Page;
  readonly issuer: string;
  readonly passkeys: Pick<Passkeys, 'verify' | 'request' | 'isUnknown'>;
}

/** Whatever a browser makes of an answer is far shorter. */
const LONGEST = 12_000;

/** Passkeys are of a domain; nobody can have one for an address of a machine. */
export function canHavePasskeys(issuer: string): boolean {
  return isIP(new URL(issuer).hostname.replace(/^\[|\]$/g, '')) === 0;
}

/**
 * A passkey instead of a password, offered by a button and among what the browser fills into the email field, or after a password.
 * It takes a script; without one nothing of this is seen.
 */
export function signInWithPasskey({ page, issuer, passkeys }: SignInWithPasskeyDeps): SignInWay {
  async function submit(ctx: RouterContext, signIn: SignIn): Promise<void> {
    const place = await signIn.place(ctx);
    const { credential = '', progress: sealed } = await readFields(ctx);
    const progress = sealed === undefined ? undefined : await signIn.progress(ctx, place);
    const t = page.translate(ctx);
    if (sealed !== undefined && progress === undefined) {
      return signIn.ask(ctx, place, 400, { problem: t('sign-in.too-long') });
    }
    const proof = await passkeys.verify({
      response: credential.slice(0, LONGEST),
      binding: place.binding,
      confirms: progress?.person,
      clientId: place.clientId,
    });
    if (proof !== undefined) {
      return signIn.complete(ctx, place, proof);
    }
    // The browser is told of a passkey that nobody here has, so that it offers it no more.
    ctx.state.unknownPasskey = await passkeys.isUnknown(credential.slice(0, LONGEST));
    // The same words whatever was wrong with it.
    const problem = t('passkeys.refused');
    await (progress === undefined
      ? signIn.ask(ctx, place, 401, { problem })
      : signIn.goOn(ctx, place, progress, { status: 401, problem, field: 'passkey' }));
  }

  const offer = async (ctx: RouterContext, { binding }: SignInPlace, confirms?: Person) =>
    canHavePasskeys(issuer)
      ? {
          options: JSON.stringify(await passkeys.request(binding, confirms)),
          words: JSON.stringify(problemWords(page, ctx)),
          unknown: ctx.state.unknownPasskey,
        }
      : undefined;

  return {
    part: 'passkey',
    scripts: ['passkey.js'],
    offer: (ctx, place) => offer(ctx, place),
    offerSecond: offer,
    routes(router, signIn) {
      router.post('/passkey', (ctx) => submit(ctx, signIn));
      router.all('/passkey', (ctx) => {
        ctx.set('Allow', 'POST');
        throw new PageError('method_not_allowed');
      });
    },
  };
}

/** What the script says by itself, by the name of the browser's error. */
export function problemWords(page: Page, ctx: RouterContext): Readonly<Record<string, string>> {
  const t = page.translate(ctx);
  return {
    NotAllowedError: t('passkeys.problem.cancelled'),
    InvalidStateError: t('passkeys.problem.exists'),
    SecurityError: t('passkeys.problem.not-here'),
    NotSupportedError: t('passkeys.problem.not-supported'),
    other: t('passkeys.problem.other'),
  };
}
