import type Router from '@koa/router';
import type { RouterContext } from '@koa/router';
import { z } from 'zod';
import type { Account } from '../../accounts/account.ts';
import type { EmailChange } from '../../self-service/email-change.ts';
import type { Invitations } from '../../self-service/invitations.ts';
import type { LinkPurpose, MailedLink, MailedLinkStore } from '../../self-service/mailed-link.ts';
import type { PasswordReset } from '../../self-service/password-reset.ts';
import type { Problem } from '../../self-service/problem.ts';
import type { SignUp } from '../../self-service/sign-up.ts';
import { readFields } from '../form.ts';
import type { Page } from '../page.ts';
import type { RememberedRequests } from '../remembered-request.ts';
import { newPassword, personName } from './field-rules.ts';
import { orBusy, type Refusal, readFilledIn, refusalOf } from './form-problems.ts';
import type { LinkBrowsers } from './link-browser.ts';

export interface LinkPagesDeps {
  readonly page: Page;
  readonly links: Pick<MailedLinkStore, 'find'>;
  readonly signUp: Pick<SignUp, 'confirm'>;
  readonly passwordReset: Pick<PasswordReset, 'open' | 'choose'>;
  readonly emailChange: Pick<EmailChange, 'confirm' | 'undo'>;
  readonly invitations: Pick<Invitations, 'open' | 'accept'>;
  readonly browsers: LinkBrowsers;
  readonly requests: Pick<RememberedRequests, 'read' | 'begin'>;
  /** Signs in whoever has just shown, in this browser, that an account is theirs. */
  readonly signIn: (ctx: RouterContext, account: Account) => Promise<void>;
}

const PasswordForm = z.object({ password: newPassword });
const InvitationForm = z.object({ name: personName, password: newPassword });

const WRONG_PASSWORD: Problem = { key: 'self-service.problem.wrong-password' };
const TOO_OFTEN: Problem = { key: 'self-service.problem.too-often' };

/** What is left to be said once a link has been used; the address names which. */
const OUTCOMES = ['account', 'password', 'email', 'undone'] as const;
type Outcome = (typeof OUTCOMES)[number];

/** What a page shows, besides what it asks for. */
interface Shown {
  readonly refusal?: Refusal | undefined;
  readonly name?: string | undefined;
}

/** `/links/:token`: where mailed links lead. To look at one changes nothing; its form does. */
export function linkPages(deps: LinkPagesDeps) {
  const { page, browsers } = deps;
  const pathOf = (ctx: RouterContext) => `${ctx.mountPath}/links/${ctx.params.token}`;
  const tokenOf = (ctx: RouterContext) => ctx.params.token ?? '';

  function render(ctx: RouterContext, view: string, locals: object, key: string, { refusal, ...shown }: Shown): void {
    const title = page.translate(ctx)(`${key}.title`);
    const { status = 200, problems = {} } = refusal ?? {};
    page.render(
      ctx,
      `self-service/${view}`,
      { ...locals, ...shown, key, problems, path: pathOf(ctx) },
      {
        title: refusal ? page.translate(ctx)('layout.problem', { title }) : title,
        status,
        withinFlow: true,
        scripts: ['new-password.js'],
      },
    );
  }

  /** Of those that a person opens later, twice, or after somebody else: what may be done instead. */
  function showOver(ctx: RouterContext, why: 'used' | 'taken' = 'used'): void {
    const t = page.translate(ctx);
    const title = t(`mailed-link.${why}.title`);
    page.render(
      ctx,
      'self-service/link-over',
      { title, why },
      { title, status: why === 'used' ? 410 : 409, withinFlow: true },
    );
  }

  const isSameBrowser = (ctx: RouterContext, link: { details: { browser: string } }) =>
    browsers.read(ctx) === link.details.browser;

  /** Each purpose: the page, and what its form does. */
  const pages: { [Purpose in LinkPurpose]: LinkPage<Purpose> } = {
    'sign-up': {
      show(ctx, link, shown) {
        const locals = { email: link.email, asksPassword: !isSameBrowser(ctx, link) };
        render(ctx, 'confirm-address', locals, 'mailed-link.sign-up', shown);
      },
      async submit(ctx, link) {
        const confirmed = await deps.signUp.confirm(tokenOf(ctx), await confirmationIn(ctx));
        if (typeof confirmed !== 'string') {
          const { account, isSameBrowser, request } = confirmed;
          return isSameBrowser ? goOn(ctx, account, request) : tell(ctx, 'account');
        }
        refuse(ctx, link, confirmed);
      },
    },
    email: {
      show(ctx, link, shown) {
        const locals = { email: link.email, asksPassword: !isSameBrowser(ctx, link) };
        render(ctx, 'confirm-address', locals, 'mailed-link.email', shown);
      },
      async submit(ctx, link) {
        const { language } = page.translate(ctx);
        const changed = await deps.emailChange.confirm(tokenOf(ctx), await confirmationIn(ctx), language);
        if (typeof changed !== 'string') {
          return tell(ctx, 'email');
        }
        refuse(ctx, link, changed);
      },
    },
    'email-undo': {
      show(ctx, { email, details }, shown) {
        const locals = { email, replacedBy: details.replacedBy };
        render(ctx, 'undo-email', locals, 'mailed-link.email-undo', shown);
      },
      async submit(ctx) {
        const undone = await deps.emailChange.undo(tokenOf(ctx));
        if (typeof undone === 'string') {
          return showOver(ctx, undone);
        }
        seeOther(ctx, `/links/${undone.passwordToken}`);
      },
    },
    password: {
      async show(ctx, _link, shown) {
        const opened = await deps.passwordReset.open(tokenOf(ctx));
        if (opened === undefined) {
          return showOver(ctx);
        }
        render(ctx, 'choose-password', { ...opened, brand: page.brand }, 'mailed-link.password', shown);
      },
      async submit(ctx, link) {
        const t = page.translate(ctx);
        const read = await readFilledIn(ctx, PasswordForm, t);
        if ('refusal' in read) {
          return this.show(ctx, link, { refusal: read.refusal });
        }
        const chosen = await deps.passwordReset.choose(tokenOf(ctx), read.form.password, t.language);
        if (chosen === 'used') {
          return showOver(ctx);
        }
        if ('problem' in chosen) {
          return this.show(ctx, link, { refusal: refusalOf({ password: chosen.problem }, t) });
        }
        const { account, beginning } = chosen;
        const mayGoOn = isSameBrowser(ctx, { details: beginning });
        const address = mayGoOn ? await addressOf(beginning.request, account.email) : undefined;
        return address === undefined ? tell(ctx, 'password') : seeOther(ctx, address);
      },
    },
    invitation: {
      async show(ctx, _link, shown) {
        const opened = await deps.invitations.open(tokenOf(ctx));
        if (opened === undefined) {
          return showOver(ctx);
        }
        render(ctx, 'accept-invitation', { ...opened, brand: page.brand }, 'mailed-link.invitation', shown);
      },
      async submit(ctx, link) {
        const t = page.translate(ctx);
        const read = await readFilledIn(ctx, InvitationForm, t);
        if ('refusal' in read) {
          return this.show(ctx, link, { refusal: read.refusal, name: read.fields.name });
        }
        const accepted = await deps.invitations.accept(tokenOf(ctx), read.form);
        if (typeof accepted === 'string') {
          return showOver(ctx, accepted);
        }
        if ('problem' in accepted) {
          const refusal = refusalOf({ password: accepted.problem }, t);
          return this.show(ctx, link, { refusal, name: read.form.name });
        }
        await goOn(ctx, accepted.account, '');
      },
    },
  };

  async function confirmationIn(ctx: RouterContext) {
    const { password } = await readFields(ctx);
    return { browser: browsers.read(ctx), password };
  }

  function refuse(ctx: RouterContext, link: MailedLink, why: 'used' | 'taken' | 'wrong-password' | 'too-often'): void {
    if (why === 'used' || why === 'taken') {
      return showOver(ctx, why);
    }
    const problem = why === 'too-often' ? { form: TOO_OFTEN } : { password: WRONG_PASSWORD };
    show(ctx, link, { refusal: refusalOf(problem, page.translate(ctx)) });
  }

  /** The address of the authorization request that was interrupted, while its client may still wait for an answer. */
  async function addressOf(sealed: string, email: string): Promise<string | undefined> {
    const request = deps.requests.read(sealed);
    const query = request === undefined || request.expired ? undefined : await deps.requests.begin(sealed, { email });
    return query === undefined ? undefined : `/auth?${query}`;
  }

  async function goOn(ctx: RouterContext, account: Account, sealed: string): Promise<void> {
    await deps.signIn(ctx, account);
    seeOther(ctx, (await addressOf(sealed, account.email)) ?? '/account');
  }

  const tell = (ctx: RouterContext, outcome: Outcome) => seeOther(ctx, `/links/done/${outcome}`);

  const show = (ctx: RouterContext, link: MailedLink, shown: Shown) =>
    (pages[link.purpose] as LinkPage<LinkPurpose>).show(ctx, link, shown);

  return {
    routes(router: Router): void {
      router.get('/links/done/:outcome', async (ctx, next) => {
        const outcome = OUTCOMES.find((one) => one === ctx.params.outcome);
        if (outcome === undefined) {
          return next();
        }
        const title = page.translate(ctx)(`mailed-link.done.${outcome}.title`);
        page.render(ctx, 'self-service/link-done', { title, outcome }, { title, withinFlow: true });
      });
      router.get('/links/:token', async (ctx) => {
        const link = await deps.links.find(tokenOf(ctx));
        await (link === undefined ? showOver(ctx) : show(ctx, link, {}));
      });
      router.post('/links/:token', async (ctx) => {
        const link = await deps.links.find(tokenOf(ctx));
        if (link === undefined) {
          return showOver(ctx);
        }
        const submit = () => (pages[link.purpose] as LinkPage<LinkPurpose>).submit(ctx, link);
        const busy = await orBusy(ctx, page.translate(ctx), submit);
        if (busy !== undefined) {
          await show(ctx, link, { refusal: busy.refusal });
        }
      });
    },
  };
}

interface LinkPage<Purpose extends LinkPurpose> {
  show(ctx: RouterContext, link: Extract<MailedLink, { purpose: Purpose }>, shown: Shown): void | Promise<void>;
  submit(ctx: RouterContext, link: Extract<MailedLink, { purpose: Purpose }>): Promise<undefined | void>;
}

function seeOther(ctx: RouterContext, path: string): void {
  ctx.set('Cache-Control', 'no-store');
  ctx.set('Referrer-Policy', 'no-referrer');
  ctx.redirect(`${ctx.mountPath}${path}`);
  ctx.status = 303;
}
