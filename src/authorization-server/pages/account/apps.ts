import type { RouterContext } from '@koa/router';
import type { Provider } from 'oidc-provider';
import { z } from 'zod';
import type { Audit } from '../../audit/audit.ts';
import type { GrantUsage } from '../../grants/grant-usage.ts';
import type { GrantChange, GrantStore, HeldAccess } from '../../grants/held-grant.ts';
import type { Translate } from '../../languages/languages.ts';
import type { ResourceStore } from '../../resources/resource-server.ts';
import { FormProblems, readForm } from '../form.ts';
import type { Page } from '../page.ts';
import { PageError } from '../page-error.ts';
import { describeAccess, handleOf } from './app-access.ts';
import { placesOf } from './app-places.ts';
import { appCard, groupsInWords, inWords } from './app-words.ts';
import { endOptions, readEnd } from './end-of-access.ts';
import type { Console, Section } from './section.ts';

export interface AppsSectionDeps {
  readonly page: Page;
  readonly provider: () => Provider;
  readonly grants: GrantStore;
  readonly usage: GrantUsage;
  readonly audit: Audit;
  /** The browsers in which the account is signed in, by session. */
  readonly browsersOf: (accountId: string, t: Translate) => Promise<ReadonlyMap<string, string>>;
  readonly listResourceServers: ResourceStore['listResourceServers'];
  /** Seconds that a grant lasts at most: `lifetimes.grant`. */
  readonly longest: number;
  /** Clients that are this server itself. */
  readonly ours: ReadonlySet<string>;
}

const DropForm = z.object({
  kind: z.enum(['scope', 'claim']),
  name: z.string().min(1).max(200),
  at: z.string().max(2000).optional(),
});

const RevokeForm = z.object({ grant: z.guid().optional() });

/** `/account/apps`: which apps have access, to what, since and until when; and every way to have them have less. */
export function appsSection(deps: AppsSectionDeps): Section {
  return {
    id: 'apps',
    routes(router, console) {
      router.get('/apps', (ctx) => list(ctx, deps, console));
      router.get('/apps/:app', async (ctx) => show(ctx, deps, console, await requireApp(ctx, deps, console)));
      router.post('/apps/:app/end', (ctx) => changeEnd(ctx, deps, console));
      router.post('/apps/:app/drop', (ctx) => drop(ctx, deps, console));
      router.post('/apps/:app/revoke', (ctx) => revoke(ctx, deps, console));
    },
    exportOf: async ({ accountId }) => ({ apps: await copyOf(deps, accountId) }),
    async overviewCard(ctx, console) {
      const t = deps.page.translate(ctx);
      const apps = await appsOf(deps, console.visitor(ctx).account.accountId);
      const words = t('account-apps.card.text', { count: apps.length });
      const href = `${ctx.mountPath}/account/apps`;
      const actions = apps.length === 0 ? [] : [{ href, text: t('account-apps.card.action') }];
      return { id: 'apps', title: t('account-apps.title'), text: words, actions };
    },
  };
}

/** Grants of this server itself, too: nothing is left out of a copy of all data. */
async function copyOf({ grants, usage }: AppsSectionDeps, accountId: string) {
  const apps = await grants.ofAccount(accountId);
  const uses = await usage.ofGrants(apps.flatMap((app) => app.grants.map(({ key }) => key)));
  return apps.map((app) => ({
    ...app,
    grants: app.grants.map(({ key, ...grant }) => ({
      ...grant,
      uses: uses.filter(({ grantKey }) => grantKey === key).map(({ grantKey: _, ...use }) => use),
    })),
  }));
}

async function appsOf({ grants, ours }: AppsSectionDeps, accountId: string): Promise<readonly HeldAccess[]> {
  return (await grants.ofAccount(accountId)).filter(({ clientId }) => !ours.has(clientId));
}

/** Among this person's own: anybody else's finds nothing. */
async function findApp(ctx: RouterContext, deps: AppsSectionDeps, console: Console): Promise<HeldAccess | undefined> {
  const apps = await appsOf(deps, console.visitor(ctx).account.accountId);
  return apps.find(({ clientId }) => handleOf(clientId) === ctx.params.app);
}

async function requireApp(ctx: RouterContext, deps: AppsSectionDeps, console: Console): Promise<HeldAccess> {
  const app = await findApp(ctx, deps, console);
  if (app === undefined) {
    throw new PageError('not_found', 'this app has no access');
  }
  return app;
}

async function list(ctx: RouterContext, deps: AppsSectionDeps, console: Console): Promise<void> {
  const t = deps.page.translate(ctx);
  const apps = await appsOf(deps, console.visitor(ctx).account.accountId);
  const [uses, resourceServers] = await Promise.all([
    deps.usage.ofGrants(apps.flatMap(({ grants }) => grants.map(({ key }) => key))),
    deps.listResourceServers(),
  ]);
  const entries = await Promise.all(
    apps.map(async (app) => ({
      client: await appCard(deps.provider(), app.clientId),
      path: `${ctx.mountPath}/account/apps/${handleOf(app.clientId)}`,
      ...inWords(describeAccess(app, uses, resourceServers), t),
    })),
  );
  const byUse = entries.toSorted((one, other) => (other.lastUse?.iso ?? '').localeCompare(one.lastUse?.iso ?? ''));
  console.render(ctx, 'apps', 'account/apps', { apps: byUse }, { title: t('account-apps.title') });
}

interface Problem {
  readonly problem: string;
  readonly fields: Readonly<Record<string, string>>;
}

async function show(
  ctx: RouterContext,
  deps: AppsSectionDeps,
  console: Console,
  app: HeldAccess,
  problem?: Problem,
): Promise<void> {
  const t = deps.page.translate(ctx);
  const keys = app.grants.map(({ key }) => key);
  const { sessionUid, account } = console.visitor(ctx);
  const [client, browsers, uses, resourceServers, origins] = await Promise.all([
    appCard(deps.provider(), app.clientId),
    deps.browsersOf(account.accountId, t),
    deps.usage.ofGrants(keys),
    deps.listResourceServers(),
    deps.grants.originsOf(keys),
  ]);
  const access = describeAccess(app, uses, resourceServers);
  const locals = {
    client,
    path: `${ctx.mountPath}/account/apps/${handleOf(app.clientId)}`,
    ...inWords(access, t),
    groups: groupsInWords(access, resourceServers, t),
    places: placesOf({ app, uses, origins, resourceServers, sessionUid, browsers }, t),
    more: app.count - app.grants.length,
    end: endOptions(deps.longest, t.language),
    problem: problem && t(problem.problem),
    fields: problem?.fields ?? {},
  };
  const name = t('account-apps.app.title', { name: client.name });
  const title = problem === undefined ? name : t('layout.problem', { title: name });
  const status = problem === undefined ? 200 : 422;
  console.render(ctx, 'apps', 'account/app', locals, { title, status, logo: client.logo });
}

async function changeEnd(ctx: RouterContext, deps: AppsSectionDeps, console: Console): Promise<void> {
  const app = await findApp(ctx, deps, console);
  if (app === undefined) {
    console.seeOther(ctx, '/apps', 'account-apps.said.over');
    return;
  }
  try {
    const end = await readEnd(ctx, deps.longest);
    await change(ctx, deps, console, app, { end }, { change: 'until', until: end.until.toISOString() });
    console.seeOther(ctx, pathOf(app), 'account-apps.said.end-changed');
  } catch (error) {
    if (!(error instanceof FormProblems)) {
      throw error;
    }
    const [problem = ''] = Object.values(error.problems);
    await show(ctx, deps, console, app, { problem, fields: error.fields });
  }
}

async function drop(ctx: RouterContext, deps: AppsSectionDeps, console: Console): Promise<void> {
  const { kind, name, at } = await readPlainForm(ctx, DropForm);
  const app = await findApp(ctx, deps, console);
  if (app === undefined) {
    console.seeOther(ctx, '/apps', 'account-apps.said.over');
    return;
  }
  if (kind === 'scope' && name === 'openid') {
    throw new PageError('malformed_form', 'openid ends with the access as a whole');
  }
  const what = kind === 'claim' ? { withoutClaim: name } : { withoutScope: { scope: name, at } };
  const details = { change: kind, name, ...(at === undefined ? {} : { resource_server: at }) };
  const changed = await change(ctx, deps, console, app, what, details);
  if (changed && name === 'offline_access') {
    // What was issued for the time after sign-out is worth nothing any more.
    const { accountId } = console.visitor(ctx).account;
    await deps.grants.endTokens({ accountId, clientId: app.clientId });
  }
  console.seeOther(ctx, pathOf(app), changed ? 'account-apps.said.dropped' : 'account-apps.said.over');
}

async function revoke(ctx: RouterContext, deps: AppsSectionDeps, console: Console): Promise<void> {
  const { grant } = await readPlainForm(ctx, RevokeForm);
  const app = await findApp(ctx, deps, console);
  const { accountId } = console.visitor(ctx).account;
  const selection = app && { accountId, clientId: app.clientId, key: grant };
  const ended = selection === undefined ? 0 : await deps.grants.revoke(selection);
  if (app === undefined || ended === 0) {
    console.seeOther(ctx, '/apps', 'account-apps.said.over');
    return;
  }
  const { clientId } = app;
  await deps.audit.record({ kind: 'grant_revoked', accountId, clientId, details: { grants: ended, by: 'account' } });
  const isLeft = grant !== undefined && app.count > ended;
  console.seeOther(ctx, isLeft ? pathOf(app) : '/apps', `account-apps.said.${isLeft ? 'ended-here' : 'revoked'}`);
}

async function change(
  ctx: RouterContext,
  { grants, audit }: AppsSectionDeps,
  console: Console,
  { clientId }: HeldAccess,
  what: GrantChange,
  details: Readonly<Record<string, string>>,
): Promise<boolean> {
  const { accountId } = console.visitor(ctx).account;
  const changed = await grants.change({ accountId, clientId }, what);
  if (changed > 0) {
    await audit.record({ kind: 'grant_changed', accountId, clientId, details: { ...details, grants: changed } });
  }
  return changed > 0;
}

/** A form without anything to fill in: whoever sends it otherwise has not used our page. */
async function readPlainForm<Schema extends z.ZodType>(ctx: RouterContext, schema: Schema): Promise<z.infer<Schema>> {
  return readForm(ctx, schema).catch((error: unknown) => {
    throw error instanceof FormProblems ? new PageError('malformed_form', error.message) : error;
  });
}

function pathOf({ clientId }: HeldAccess): string {
  return `/apps/${handleOf(clientId)}`;
}
