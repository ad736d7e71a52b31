import { isIP } from 'node:net';
import type { RouterContext } from '@koa/router';
import type { Account } from '../accounts/account.ts';
import type { Person } from '../accounts/person.ts';
import type { Audit } from '../audit/audit.ts';
import { nameOfAuthenticator } from '../authenticators/authenticator-names.ts';
import type { Passkeys } from '../authenticators/passkeys.ts';
import { readFields } from './form.ts';
import type { Notices } from './notices.ts';
import type { Page } from './page.ts';
import type { SignIn, SignInPlace, SignInWay } from './sign-in-ways.ts';
import { stepAction } from './step-action.ts';
import type { DescribeOrigin } from './whereabouts.ts';

export interface SignInWithPasskeyDeps {
  readonly page: Page;
  readonly issuer: string;
  readonly passkeys: Pick<Passkeys, 'verify' | 'request' | 'isUnknown' | 'proposal' | 'add'>;
  readonly describeOrigin: DescribeOrigin;
  readonly audit: Pick<Audit, 'record'>;
  readonly notices: Notices;
}

/** Whatever a browser makes of an answer is far shorter. */
const LONGEST = 12_000;

export const LONGEST_NAME = 60;

/** Passkeys are of a domain; nobody can have one for an address of a machine. */
export function canHavePasskeys(issuer: string): boolean {
  return isIP(new URL(issuer).hostname.replace(/^\[|\]$/g, '')) === 0;
}

/**
 * A passkey instead of a password, offered by a button and among what the browser fills into the email field, or after a password; and
 * a first one, where somebody has to have a second factor.
 * It takes a script; without one nothing of this is seen.
 */
export function signInWithPasskey(deps: SignInWithPasskeyDeps): SignInWay {
  const { page, issuer, passkeys } = deps;
  async function submit(ctx: RouterContext, signIn: SignIn, place: SignInPlace): Promise<void> {
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

  /** That somebody has the key is not shown by it being made (there is no attestation): it is asked for right after. */
  const addFirst =
    (ctx: RouterContext, { binding, clientId }: SignInPlace) =>
    async (account: Account) => {
      const { credential = '' } = await readFields(ctx);
      const response = credential.slice(0, LONGEST);
      const added = await passkeys.add(account, { response, binding, nameFor: namePasskeys(ctx, deps) });
      if (added === 'refused' || added === 'not_possible') {
        const problem = page.translate(ctx)(`passkeys.problem.${added === 'refused' ? 'other' : 'exists'}`);
        return { status: 400, problem, field: 'passkey' };
      }
      const { name, aaguid } = added;
      const { accountId } = account;
      await deps.audit.record({ kind: 'passkey_added', accountId, clientId, details: { name, aaguid } });
      await deps.notices.tell(ctx, account, 'passkey-added', { name });
      return { methods: [], amr: [] };
    };

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
    async offerSetUp(ctx, { binding }, { account }) {
      return canHavePasskeys(issuer)
        ? {
            options: JSON.stringify(await passkeys.proposal(account, binding)),
            words: JSON.stringify(problemWords(page, ctx)),
          }
        : undefined;
    },
    routes(router, signIn) {
      stepAction(router, signIn.place, '/passkey', (ctx, place) => submit(ctx, signIn, place));
      stepAction(router, signIn.place, '/set-up/passkey', (ctx, place) =>
        signIn.setUp(ctx, place, addFirst(ctx, place)),
      );
    },
  };
}

/** What a passkey is called until its owner gives it another name. */
export function namePasskeys(
  ctx: RouterContext,
  { page, describeOrigin }: Pick<SignInWithPasskeyDeps, 'page' | 'describeOrigin'>,
): (aaguid: string) => string {
  const origin = { address: undefined, userAgent: ctx.get('user-agent') };
  const { browser } = describeOrigin(origin, page.translate(ctx));
  return (aaguid) => (nameOfAuthenticator(aaguid) ?? browser).slice(0, LONGEST_NAME);
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
