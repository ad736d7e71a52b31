import type { RouterContext } from '@koa/router';
import { z } from 'zod';
import type { PersonStore } from '../../accounts/person.ts';
import { mayGoWithout, type RequiresSecondFactor } from '../../accounts/second-factor-policy.ts';
import type { Audit } from '../../audit/audit.ts';
import type { Passkey, PasskeyStore } from '../../authenticators/passkey-store.ts';
import type { Passkeys } from '../../authenticators/passkeys.ts';
import { FormProblems, readForm } from '../form.ts';
import { momentOf } from '../moments.ts';
import type { Notices } from '../notices.ts';
import type { Page } from '../page.ts';
import { canHavePasskeys, LONGEST_NAME, namePasskeys, problemWords } from '../sign-in-with-passkey.ts';
import type { DescribeOrigin } from '../whereabouts.ts';
import type { Console, Section } from './section.ts';

export interface PasskeysSectionDeps {
  readonly issuer: string;
  readonly page: Page;
  readonly passkeys: Pick<Passkeys, 'proposal' | 'add'>;
  readonly store: Pick<PasskeyStore, 'passkeysOf' | 'renamePasskey' | 'removePasskey'>;
  readonly describeOrigin: DescribeOrigin;
  readonly findPerson: PersonStore['findPerson'];
  readonly requiresSecondFactor: RequiresSecondFactor;
  readonly audit: Pick<Audit, 'record'>;
  readonly notices: Notices;
}

const name = z
  .string()
  .trim()
  .min(1)
  .max(LONGEST_NAME)
  .refine((value) => !/\p{C}/u.test(value));
const AddForm = z.object({ credential: z.string().min(1).max(12_000) });
const RenameForm = z.object({ id: z.string().min(1).max(1400), name });
const RemoveForm = z.object({ id: z.string().min(1).max(1400) });

/** `/account/passkeys`: which there are, another one, and away with one. */
export function passkeysSection(deps: PasskeysSectionDeps): Section {
  const { page, store, issuer } = deps;
  return {
    id: 'security',
    routes(router, console) {
      router.get('/passkeys', async (ctx) => {
        await console.requireRecentSignIn(ctx);
        await show(ctx, deps, console);
      });
      const action = (path: string, act: typeof add) =>
        router.post(path, async (ctx) => {
          await console.requireRecentSignIn(ctx, '/passkeys');
          await act(ctx, deps, console);
        });
      action('/passkeys/add', add);
      action('/passkeys/rename', rename);
      action('/passkeys/remove', remove);
    },
    async exportOf({ accountId }) {
      const passkeys = await store.passkeysOf(accountId);
      return { passkeys: passkeys.map(({ name, createdAt, lastUsedAt }) => ({ name, createdAt, lastUsedAt })) };
    },
    async securityCard(ctx, console) {
      const t = page.translate(ctx);
      if (!canHavePasskeys(issuer)) {
        return undefined;
      }
      const { length: count } = await store.passkeysOf(console.visitor(ctx).account.accountId);
      const href = `${ctx.mountPath}/account/passkeys`;
      const words = count === 0 ? 'none' : 'some';
      return {
        id: 'passkeys',
        title: t('passkeys.title'),
        text: t(`passkeys.card.${words}`, { count }),
        ...(count === 0 ? {} : { state: t('passkeys.card.on'), tone: 'good' as const }),
        actions: [{ href, text: t(`passkeys.card.${words}-action`) }],
      };
    },
  };
}

async function show(ctx: RouterContext, deps: PasskeysSectionDeps, console: Console, problem?: string): Promise<void> {
  const t = deps.page.translate(ctx);
  const { account, sessionUid } = console.visitor(ctx);
  const passkeys = await deps.store.passkeysOf(account.accountId);
  const locals = {
    passkeys: passkeys.map(({ credentialId, name, createdAt, lastUsedAt, isDeviceBound }) => ({
      id: credentialId,
      name,
      isDeviceBound,
      added: t('passkeys.added', { when: momentOf(createdAt, t.language).day }),
      used:
        lastUsedAt === undefined
          ? t('passkeys.never-used')
          : t('passkeys.used', { when: momentOf(lastUsedAt, t.language).relative }),
    })),
    options: JSON.stringify(await deps.passkeys.proposal(account, sessionUid)),
    words: JSON.stringify(problemWords(deps.page, ctx)),
    problem,
    longestName: LONGEST_NAME,
  };
  const title = problem === undefined ? t('passkeys.title') : t('passkeys.title-problem');
  const status = problem === undefined ? 200 : 400;
  console.render(ctx, 'security', 'account/passkeys', locals, { title, status, scripts: ['passkey.js'] });
}

async function add(ctx: RouterContext, deps: PasskeysSectionDeps, console: Console): Promise<void> {
  const t = deps.page.translate(ctx);
  const { account, sessionUid } = console.visitor(ctx);
  const form = await readOr(ctx, AddForm);
  const added =
    form === undefined
      ? 'refused'
      : await deps.passkeys.add(account, {
          response: form.credential,
          binding: sessionUid,
          nameFor: namePasskeys(ctx, deps),
        });
  if (added === 'refused' || added === 'not_possible') {
    return show(ctx, deps, console, t(`passkeys.problem.${added === 'refused' ? 'other' : 'exists'}`));
  }
  await tell(ctx, deps, console, 'added', added);
}

async function rename(ctx: RouterContext, deps: PasskeysSectionDeps, console: Console): Promise<void> {
  const form = await readOr(ctx, RenameForm);
  const { accountId } = console.visitor(ctx).account;
  if (form === undefined) {
    return show(ctx, deps, console, deps.page.translate(ctx)('passkeys.problem.name', { most: LONGEST_NAME }));
  }
  await deps.store.renamePasskey(accountId, form.id, form.name);
  console.seeOther(ctx, '/passkeys', 'passkeys.said.renamed');
}

async function remove(ctx: RouterContext, deps: PasskeysSectionDeps, console: Console): Promise<void> {
  const form = await readOr(ctx, RemoveForm);
  const { accountId } = console.visitor(ctx).account;
  if (await isNeeded(deps, accountId)) {
    return console.seeOther(ctx, '/passkeys', 'second-factors.said.needed');
  }
  const removed = form && (await deps.store.removePasskey(accountId, form.id));
  if (removed === undefined) {
    return console.seeOther(ctx, '/passkeys');
  }
  await tell(ctx, deps, console, 'removed', removed);
}

/** The last passkey of somebody who must have a second factor, and has no other. */
async function isNeeded({ findPerson, store, requiresSecondFactor }: PasskeysSectionDeps, accountId: string) {
  const person = await findPerson(accountId);
  return (
    person !== undefined &&
    !mayGoWithout('passkey', person, requiresSecondFactor) &&
    (await store.passkeysOf(accountId)).length === 1
  );
}

/** The log, the owner by mail, and the visitor. */
async function tell(
  ctx: RouterContext,
  deps: PasskeysSectionDeps,
  console: Console,
  what: 'added' | 'removed',
  passkey: Pick<Passkey, 'name' | 'aaguid'>,
): Promise<void> {
  const { account } = console.visitor(ctx);
  const { name: passkeyName, aaguid } = passkey;
  const details = { name: passkeyName, aaguid };
  await deps.audit.record({ kind: `passkey_${what}`, accountId: account.accountId, details });
  await deps.notices.tell(ctx, account, `passkey-${what}`, { name: passkeyName });
  const person = await deps.findPerson(account.accountId);
  // After a password it is asked for from now on: whoever loses it needs recovery codes.
  const lacksCodes = what === 'added' && person?.recoveryCodesLeft === 0;
  console.seeOther(ctx, lacksCodes ? '/two-step' : '/passkeys', `passkeys.said.${what}`);
}

async function readOr<Schema extends z.ZodType>(ctx: RouterContext, schema: Schema) {
  return readForm(ctx, schema).catch((error: unknown) => {
    if (error instanceof FormProblems) {
      return undefined;
    }
    throw error;
  });
}
