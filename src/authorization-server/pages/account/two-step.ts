import type { RouterContext } from '@koa/router';
import type { Person, PersonStore } from '../../accounts/person.ts';
import { mayGoWithout, type RequiresSecondFactor } from '../../accounts/second-factor-policy.ts';
import type { Audit } from '../../audit/audit.ts';
import type { RecoveryCodes } from '../../authenticators/recovery-codes.ts';
import type { SecondStepStore } from '../../authenticators/second-steps.ts';
import type { ProposedTotp, Totp } from '../../authenticators/totp.ts';
import { readFields } from '../form.ts';
import { momentOf } from '../moments.ts';
import type { Notices } from '../notices.ts';
import type { Page } from '../page.ts';
import { PageError } from '../page-error.ts';
import { qrCode } from '../qr-code.ts';
import type { Console, Section } from './section.ts';

export interface TwoStepSectionDeps {
  readonly page: Page;
  readonly findPerson: PersonStore['findPerson'];
  readonly store: Pick<SecondStepStore, 'findTotp' | 'removeTotp'>;
  readonly totp: Pick<Totp, 'propose' | 'proposed' | 'confirm'>;
  readonly recoveryCodes: Pick<RecoveryCodes, 'make'>;
  readonly requiresSecondFactor: RequiresSecondFactor;
  readonly audit: Pick<Audit, 'record'>;
  readonly notices: Notices;
}

const HERE = '/two-step';
const APP = `${HERE}/app`;

/** `/account/two-step`: the authenticator app, and the codes for when it is lost. */
export function twoStepSection(deps: TwoStepSectionDeps): Section {
  const { page } = deps;
  return {
    id: 'security',
    routes(router, console) {
      router.get(HERE, (ctx) => show(ctx, deps, console));
      router.get(APP, async (ctx) => {
        await console.requireRecentSignIn(ctx);
        await showApp(ctx, deps, console, deps.totp.propose(console.visitor(ctx).account));
      });
      router.post(APP, async (ctx) => {
        await console.requireRecentSignIn(ctx, APP);
        await confirm(ctx, deps, console);
      });
      router.post(`${APP}/remove`, async (ctx) => {
        await console.requireRecentSignIn(ctx, HERE);
        await remove(ctx, deps, console);
      });
      router.post(`${HERE}/recovery-codes`, async (ctx) => {
        await console.requireRecentSignIn(ctx, HERE);
        await makeCodes(ctx, deps, console);
      });
    },
    async exportOf({ accountId }) {
      const [app, person] = await Promise.all([deps.store.findTotp(accountId), deps.findPerson(accountId)]);
      return { authenticatorApp: app ?? null, recoveryCodesLeft: person?.recoveryCodesLeft ?? 0 };
    },
    async securityCard(ctx, console) {
      const t = page.translate(ctx);
      const { secondFactors } = await personAt(ctx, deps, console);
      const state = secondFactors.length > 0 ? 'on' : 'off';
      const href = `${ctx.mountPath}/account${state === 'on' ? HERE : APP}`;
      return {
        id: 'two-step',
        title: t('second-factors.card.title'),
        text: t(`second-factors.card.${state}`),
        state: t(`second-factors.card.state-${state}`),
        ...(state === 'on' ? { tone: 'good' as const } : {}),
        actions: [{ href, text: t(state === 'on' ? 'second-factors.card.manage' : 'second-factors.card.turn-on') }],
      };
    },
  };
}

async function personAt(ctx: RouterContext, { findPerson }: TwoStepSectionDeps, console: Console): Promise<Person> {
  const person = await findPerson(console.visitor(ctx).account.accountId);
  if (person === undefined) {
    throw new PageError('not_found', 'the account is gone');
  }
  return person;
}

async function show(ctx: RouterContext, deps: TwoStepSectionDeps, console: Console): Promise<void> {
  const t = deps.page.translate(ctx);
  const person = await personAt(ctx, deps, console);
  const app = await deps.store.findTotp(person.account.accountId);
  const locals = {
    appSince: app && momentOf(app.createdAt, t.language).day,
    hasFactor: person.secondFactors.length > 0,
    mayRemove: mayGoWithout('totp', person, deps.requiresSecondFactor),
    left: person.recoveryCodesLeft,
  };
  console.render(ctx, 'security', 'account/two-step', locals, { title: t('second-factors.page.title') });
}

async function showApp(
  ctx: RouterContext,
  { page }: TwoStepSectionDeps,
  console: Console,
  proposal: ProposedTotp,
  problem?: string,
): Promise<void> {
  const t = page.translate(ctx);
  const locals = { qr: await qrCode(proposal.uri), key: proposal.key, seed: proposal.sealed, problem };
  console.render(ctx, 'security', 'account/two-step-app', locals, {
    title: t(problem === undefined ? 'second-factors.totp.title' : 'second-factors.totp.title-problem'),
    status: problem === undefined ? 200 : 400,
  });
}

async function confirm(ctx: RouterContext, deps: TwoStepSectionDeps, console: Console): Promise<void> {
  const t = deps.page.translate(ctx);
  const { account } = console.visitor(ctx);
  const { code = '', seed = '' } = await readFields(ctx);
  const proposal = deps.totp.proposed(account, seed);
  if (proposal === undefined) {
    return showApp(ctx, deps, console, deps.totp.propose(account), t('second-factors.totp.too-late'));
  }
  const { accountId } = account;
  if (!(await deps.totp.confirm({ accountId, sealed: seed, code: code.slice(0, 100), replaces: true }))) {
    return showApp(ctx, deps, console, proposal, t('second-factors.totp.wrong-code'));
  }
  await deps.audit.record({ kind: 'second_factor_added', accountId, details: { method: 'totp' } });
  await deps.notices.tell(ctx, account, 'second-factor-added');
  const { recoveryCodesLeft } = await personAt(ctx, deps, console);
  if (recoveryCodesLeft > 0) {
    return console.seeOther(ctx, HERE, 'second-factors.said.added');
  }
  await showNewCodes(ctx, deps, console);
}

async function remove(ctx: RouterContext, deps: TwoStepSectionDeps, console: Console): Promise<void> {
  const person = await personAt(ctx, deps, console);
  if (!mayGoWithout('totp', person, deps.requiresSecondFactor)) {
    return console.seeOther(ctx, HERE, 'second-factors.said.needed');
  }
  if (await deps.store.removeTotp(person.account.accountId)) {
    const { accountId } = person.account;
    await deps.audit.record({ kind: 'second_factor_removed', accountId, details: { method: 'totp' } });
    await deps.notices.tell(ctx, person.account, 'second-factor-removed');
  }
  console.seeOther(ctx, HERE, 'second-factors.said.removed');
}

async function makeCodes(ctx: RouterContext, deps: TwoStepSectionDeps, console: Console): Promise<void> {
  const person = await personAt(ctx, deps, console);
  if (person.secondFactors.length === 0) {
    // There is nothing yet that they could stand in for.
    return console.seeOther(ctx, HERE);
  }
  await deps.notices.tell(ctx, person.account, 'recovery-codes-made');
  await showNewCodes(ctx, deps, console);
}

/** At once and not at another address: they are nowhere to be read from again. */
async function showNewCodes(ctx: RouterContext, deps: TwoStepSectionDeps, console: Console): Promise<void> {
  const codes = await deps.recoveryCodes.make(console.visitor(ctx).account.accountId);
  const title = deps.page.translate(ctx)('second-factors.codes.title');
  console.render(ctx, 'security', 'account/recovery-codes', { codes }, { title });
}
