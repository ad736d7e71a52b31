import type { RouterContext } from '@koa/router';
import { z } from 'zod';
import type { Account } from '../../accounts/account.ts';
import { canonicalEmail } from '../../accounts/email.ts';
import type { OwnAccountStore } from '../../accounts/own-account.ts';
import type { Audit } from '../../audit/audit.ts';
import { readForm } from '../form.ts';
import type { Notices } from '../notices.ts';
import type { Page } from '../page.ts';
import { seeOther } from '../see-other.ts';
import type { Console, Section, Visitor } from './section.ts';

export interface DataSectionDeps {
  readonly issuer: string;
  readonly page: Page;
  readonly accounts: Pick<OwnAccountStore, 'deleteOwn'>;
  /** Ends every session, grant and token of an account, and tells the clients that asked to be told. Idempotent. */
  readonly endAccess: (accountId: string) => Promise<void>;
  /** False when an account has had a copy of its data too often for now. */
  readonly mayExport: (accountId: string) => Promise<boolean>;
  readonly notices: Notices;
  readonly audit: Pick<Audit, 'record'>;
  /** What each part of the server keeps about an account, under names of its own. */
  readonly exports: readonly ((account: Account) => Promise<object>)[];
}

const DeletionForm = z.object({ email: z.string().max(254) });

/** `/account/data`: a copy of everything that is kept about a person, and the end of it. */
export function dataSection(deps: DataSectionDeps): Section {
  const { page } = deps;
  return {
    id: 'data',
    openRoutes(router) {
      router.get('/deleted', async (ctx) => {
        page.render(ctx, 'account/deleted', {}, { title: page.translate(ctx)('account-data.deleted.title') });
      });
    },
    routes(router, console) {
      router.get('/data', async (ctx) => {
        show(ctx, console, deps);
      });
      router.post('/data/export', async (ctx) => sendCopy(ctx, console, deps));
      router.get('/data/delete', async (ctx) => {
        await console.requireRecentSignIn(ctx);
        ask(ctx, console, deps);
      });
      router.post('/data/delete', async (ctx) => deleteAccount(ctx, console, deps));
    },
  };
}

function show(ctx: RouterContext, console: Console, { page }: DataSectionDeps, problem?: string): void {
  const t = page.translate(ctx);
  const title = t('account.navigation.data');
  console.render(
    ctx,
    'data',
    'account/data',
    { problem: problem && t(problem) },
    {
      title: problem === undefined ? title : t('layout.problem', { title }),
      status: problem === undefined ? 200 : 429,
    },
  );
}

/** By POST: what another site makes the browser fetch is nobody's download. */
async function sendCopy(ctx: RouterContext, console: Console, deps: DataSectionDeps): Promise<void> {
  await console.requireRecentSignIn(ctx, '/data');
  const { account } = console.visitor(ctx);
  const { accountId } = account;
  if (!(await deps.mayExport(accountId))) {
    show(ctx, console, deps, 'account-data.problem.too-often');
    return;
  }
  const copy = await copyOf(console.visitor(ctx), deps);
  await deps.audit.record({ kind: 'data_exported', accountId });
  await deps.notices.tell(ctx, account, 'data-exported');
  ctx.set('Cache-Control', 'no-store');
  ctx.set('Content-Disposition', `attachment; filename="account-${new Date().toISOString().slice(0, 10)}.json"`);
  ctx.set('X-Content-Type-Options', 'nosniff');
  ctx.type = 'application/json';
  ctx.body = `${JSON.stringify(copy, undefined, 2)}\n`;
}

async function copyOf({ account }: Visitor, { issuer, exports }: DataSectionDeps) {
  const parts = await Promise.all(exports.map((exportOf) => exportOf(account)));
  return { issuer, exportedAt: new Date().toISOString(), account, ...Object.assign({}, ...parts) };
}

function ask(ctx: RouterContext, console: Console, { page }: DataSectionDeps, problem?: string): void {
  const t = page.translate(ctx);
  const title = t('account-data.delete.title');
  const locals = { email: console.visitor(ctx).account.email, problem: problem && t(problem) };
  console.render(ctx, 'data', 'account/delete', locals, {
    title: problem === undefined ? title : t('layout.problem', { title }),
    status: problem === undefined ? 200 : 400,
  });
}

/**
 * The account goes first, so that nobody signs in to it any more while what it had is ended. Should this process die in between:
 * what is left belongs to nobody, and is refused wherever it is shown.
 */
async function deleteAccount(ctx: RouterContext, console: Console, deps: DataSectionDeps): Promise<void> {
  await console.requireRecentSignIn(ctx);
  const { email } = await readForm(ctx, DeletionForm);
  const { account } = console.visitor(ctx);
  if (canonicalEmail(email) !== canonicalEmail(account.email)) {
    ask(ctx, console, deps, 'account-data.problem.email');
    return;
  }
  const { accountId } = account;
  if ((await deps.accounts.deleteOwn(accountId)) === 'last-administrator') {
    ask(ctx, console, deps, 'account-data.problem.last-administrator');
    return;
  }
  await deps.endAccess(accountId);
  await deps.audit.record({ kind: 'account_deleted', accountId });
  await deps.notices.tell(ctx, account, 'account-deleted');
  seeOther(ctx, `${ctx.mountPath}/account/deleted`);
}
