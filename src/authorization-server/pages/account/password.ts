import type { RouterContext } from '@koa/router';
import { z } from 'zod';
import type { ChangePassword, PasswordChangeOutcome } from '../../accounts/change-password.ts';
import { TooBusy } from '../../accounts/too-busy.ts';
import type { MessageValues } from '../../languages/languages.ts';
import { FormProblems, readForm } from '../form.ts';
import type { Notices } from '../notices.ts';
import type { Page } from '../page.ts';
import type { Console, Section } from './section.ts';

export interface PasswordSectionDeps {
  readonly page: Page;
  readonly changePassword: ChangePassword;
  readonly notices: Notices;
  /** Counts for nothing in a password. */
  readonly brand: string;
}

const PasswordForm = z.object({
  current: z.string().max(65_536).default(''),
  password: z.string('passwords.missing').min(1, 'passwords.missing'),
  apps: z.literal('end').optional(),
});

interface Problem {
  readonly status: number;
  readonly field?: 'current' | 'password';
  readonly key: string;
  readonly values?: MessageValues;
  /** What was ticked. */
  readonly endsApps?: boolean;
}

/** `/account/password`: another password, or a first one. */
export function passwordSection(deps: PasswordSectionDeps): Section {
  return {
    id: 'security',
    routes(router, console) {
      router.get('/password', async (ctx) => {
        await console.requireRecentSignIn(ctx);
        await show(ctx, deps, console);
      });
      router.post('/password', async (ctx) => {
        await console.requireRecentSignIn(ctx);
        await change(ctx, deps, console);
      });
    },
    async securityCard(ctx, console) {
      const t = deps.page.translate(ctx);
      const { account } = console.visitor(ctx);
      const { kept } = await deps.changePassword.describe(account);
      const title = t('account-password.card.title');
      if (kept === 'elsewhere') {
        return { id: 'password', title, text: t('account-password.elsewhere'), actions: [] };
      }
      const href = `${ctx.mountPath}/account/password`;
      const actions = [{ href, text: t(`account-password.card.${kept}-action`) }];
      return { id: 'password', title, text: t(`account-password.card.${kept}`), actions };
    },
  };
}

async function show(ctx: RouterContext, deps: PasswordSectionDeps, console: Console, problem?: Problem): Promise<void> {
  const t = deps.page.translate(ctx);
  const { account } = console.visitor(ctx);
  const { email, name } = account;
  const { kept, minLength } = await deps.changePassword.describe(account);
  const words = problem && t(problem.key, problem.values);
  const locals = {
    kept,
    problems: { [problem?.field ?? 'form']: words },
    endsApps: problem?.endsApps ?? false,
    newPassword: {
      least: minLength,
      about: [email, name, deps.brand],
      username: email,
      problem: problem?.field === 'password' ? words : undefined,
    },
  };
  const title = t(`account-password.title.${kept}`);
  if (problem?.status === 503) {
    ctx.set('Retry-After', '5');
  }
  console.render(ctx, 'security', 'account/password', locals, {
    title: problem ? t('account-password.problem-title', { title }) : title,
    status: problem?.status ?? 200,
    scripts: ['new-password.js'],
  });
}

async function change(ctx: RouterContext, deps: PasswordSectionDeps, console: Console): Promise<void> {
  const { account, sessionUid } = console.visitor(ctx);
  const form = await readForm(ctx, PasswordForm).catch((error: unknown) => {
    if (error instanceof FormProblems) {
      return undefined;
    }
    throw error;
  });
  if (form === undefined) {
    return show(ctx, deps, console, { status: 400, field: 'password', key: 'passwords.missing' });
  }
  const { current: currentPassword, password: newPassword, apps } = form;
  const endsApps = apps === 'end';
  const outcome = await deps.changePassword
    .change({ account, currentPassword, newPassword, sessionUid, endsApps })
    .catch((error: unknown) => {
      if (error instanceof TooBusy) {
        return 'too_busy' as const;
      }
      throw error;
    });
  if (outcome !== 'changed') {
    return show(ctx, deps, console, { ...problemOf(outcome), endsApps });
  }
  await deps.notices.tell(ctx, account, 'password-changed');
  console.seeOther(ctx, '/security', `account-password.said.${endsApps ? 'changed-and-ended' : 'changed'}`);
}

function problemOf(outcome: Exclude<PasswordChangeOutcome, 'changed'> | 'too_busy'): Problem {
  if (typeof outcome === 'object') {
    return { status: 400, field: 'password', ...outcome };
  }
  return {
    wrong: { status: 400, field: 'current', key: 'account-password.problem.wrong' },
    same: { status: 400, field: 'password', key: 'account-password.problem.same' },
    elsewhere: { status: 403, key: 'account-password.elsewhere' },
    too_often: { status: 429, key: 'account-password.problem.too-often' },
    too_busy: { status: 503, key: 'account-password.problem.too-busy' },
  }[outcome] as Problem;
}
