import type { RouterContext } from '@koa/router';
import type { OwnAccountStore } from '../../accounts/own-account.ts';
import { PROFILE_FIELDS, type ProfileField, profileFields, readProfile } from '../../accounts/profile.ts';
import type { Audit } from '../../audit/audit.ts';
import { readFields } from '../form.ts';
import type { Page } from '../page.ts';
import type { Console, Section } from './section.ts';

export interface ProfileSectionDeps {
  readonly page: Page;
  readonly accounts: Pick<OwnAccountStore, 'saveProfile'>;
  readonly audit: Pick<Audit, 'record'>;
  /** Below `/account`: where the email is changed, where it can be. */
  readonly emailPage?: string | undefined;
}

const TIME_ZONES = Intl.supportedValuesOf('timeZone');

/** Who changed the profile in another tab meanwhile sees what it is now, beside what they typed here. */
type Problem = 'invalid' | 'changed-meanwhile';

/** `/account/profile`: what apps can be told of a person (OpenID Connect Core §5.1), as the person says it. */
export function profileSection({ page, accounts, audit, emailPage }: ProfileSectionDeps): Section {
  function show(
    ctx: RouterContext,
    console: Console,
    typed: Readonly<Record<string, string>>,
    problem?: Problem,
    invalid: readonly ProfileField[] = [],
  ) {
    const t = page.translate(ctx);
    const { account } = console.visitor(ctx);
    const isTyped = Object.keys(typed).length > 0;
    const values = isTyped
      ? Object.fromEntries(PROFILE_FIELDS.map((field) => [field, typed[field] ?? '']))
      : profileFields(account);
    const problems = Object.fromEntries(invalid.map((field) => [field, t(`account-profile.problem.${field}`)]));
    const locals = {
      values,
      problems,
      problem: problem === 'changed-meanwhile' ? t('account-profile.problem.changed-meanwhile') : undefined,
      version: account.updatedAt.toISOString(),
      email: account.email,
      emailVerified: account.emailVerified,
      emailPage,
      timeZones: TIME_ZONES,
    };
    const title = t('account.navigation.profile');
    console.render(ctx, 'profile', 'account/profile', locals, {
      title: problem === undefined ? title : t('layout.problem', { title }),
      status: problem === undefined ? 200 : problem === 'invalid' ? 400 : 409,
    });
  }

  return {
    id: 'profile',
    routes(router, console) {
      router.get('/profile', async (ctx) => show(ctx, console, console.typed(ctx)));
      router.post('/profile', async (ctx) => {
        const fields = await readFields(ctx);
        const { account } = console.visitor(ctx);
        const read = readProfile(account, fields);
        if ('invalid' in read) {
          show(ctx, console, fields, 'invalid', read.invalid);
          return;
        }
        const since = new Date(fields.version ?? '');
        const isSaved =
          !Number.isNaN(since.getTime()) && (await accounts.saveProfile(account.accountId, read.profile, since));
        if (!isSaved) {
          show(ctx, console, fields, 'changed-meanwhile');
          return;
        }
        const before = profileFields(account);
        const after = profileFields(read.profile);
        const changed = PROFILE_FIELDS.filter((field) => before[field] !== after[field]);
        if (changed.length > 0) {
          await audit.record({ kind: 'profile_changed', accountId: account.accountId, details: { fields: changed } });
        }
        console.seeOther(ctx, '/profile', 'account-profile.said.saved');
      });
    },
  };
}
