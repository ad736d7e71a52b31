import { randomUUID } from 'node:crypto';
import type { RouterContext } from '@koa/router';
import type { Provider } from 'oidc-provider';
import type { Audit } from '../../audit/audit.ts';
import { PERSONAL_ACCESS } from '../../clients/personal-access.ts';
import { issuePersonalAccessToken } from '../../flows/personal-access-token/personal-access-token.ts';
import type { GrantUsage } from '../../grants/grant-usage.ts';
import type { GrantStore } from '../../grants/held-grant.ts';
import {
  MOST_TOKENS,
  type PersonalAccessToken,
  type PersonalAccessTokenStore,
} from '../../grants/personal-access-token.ts';
import type { Translate } from '../../languages/languages.ts';
import type { ResourceServer, ResourceStore } from '../../resources/resource-server.ts';
import { lastMomentOf } from '../end-of-day.ts';
import { FormProblems } from '../form.ts';
import { momentOf } from '../moments.ts';
import type { Notices } from '../notices.ts';
import type { Page } from '../page.ts';
import { PageError } from '../page-error.ts';
import { permissionWords } from '../scope-words.ts';
import { lastUseOf } from './app-access.ts';
import type { Console, Section } from './section.ts';
import { dayLimits, readTokenForm, type TokenForm } from './token-form.ts';

export interface TokensSectionDeps {
  readonly page: Page;
  readonly provider: () => Provider;
  readonly tokens: PersonalAccessTokenStore;
  readonly grants: GrantStore;
  readonly usage: GrantUsage;
  readonly audit: Audit;
  readonly notices: Notices;
  readonly resources: ResourceStore;
  /** True for as many as somebody has reason to make. */
  readonly mayMake: (accountId: string) => Promise<boolean>;
}

const ID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

/** `/account/tokens`: tokens that people make for scripts and programs of their own. */
export function tokensSection(deps: TokensSectionDeps): Section {
  return {
    id: 'tokens',
    routes(router, console) {
      router.get('/tokens', (ctx) => list(ctx, deps, console));
      router.get('/tokens/new', async (ctx) => {
        await console.requireRecentSignIn(ctx);
        const typed = console.typed(ctx);
        await showForm(ctx, deps, console, { fields: { for: String(ctx.query.for ?? ''), ...typed }, problems: {} });
      });
      router.post('/tokens/new', (ctx) => make(ctx, deps, console));
      router.post('/tokens/:id/revoke', (ctx) => revoke(ctx, deps, console));
    },
    async exportOf({ accountId }) {
      const tokens = await deps.tokens.ofAccount(accountId);
      return { personalAccessTokens: tokens.map(({ accountId: _owner, grantKey: _grant, ...token }) => token) };
    },
  };
}

async function list(ctx: RouterContext, deps: TokensSectionDeps, console: Console): Promise<void> {
  const t = deps.page.translate(ctx);
  const tokens = await deps.tokens.ofAccount(console.visitor(ctx).account.accountId);
  const [uses, resourceServers] = await Promise.all([
    deps.usage.ofGrants(tokens.map(({ grantKey }) => grantKey)),
    deps.resources.listResourceServers(),
  ]);
  const entries = tokens.map((token) => {
    const last = lastUseOf(
      uses.filter(({ grantKey }) => grantKey === token.grantKey),
      resourceServers,
    );
    return {
      id: token.id,
      name: token.name,
      since: momentOf(token.createdAt, t.language),
      until: lastMomentOf(token.expiresAt, t.language),
      lastUse: last && momentOf(last.at, t.language),
      ...permittedBy(token, resourceServers, t),
    };
  });
  const locals = { tokens: entries, path: pathOf(ctx), isFull: tokens.length >= MOST_TOKENS, most: MOST_TOKENS };
  console.render(ctx, 'tokens', 'account/tokens', locals, { title: t('account-tokens.title') });
}

function permittedBy(
  { resourceServer, scopes }: Pick<PersonalAccessToken, 'resourceServer' | 'scopes'>,
  resourceServers: readonly ResourceServer[],
  t: Translate,
) {
  const words = scopes.map((name) => permissionWords({ kind: 'scope', name, at: resourceServer }, resourceServers, t));
  return { at: words[0]?.at ?? resourceServer, permissions: words.map((one) => one.words) };
}

interface Filled {
  readonly fields: Readonly<Record<string, string>>;
  readonly problems: Readonly<Record<string, string>>;
}

/** Where a token can be used at all: an API that verifies JWTs without asking would not see it revoked. */
async function offeredTo(
  { resources }: TokensSectionDeps,
  roles: readonly string[],
): Promise<readonly ResourceServer[]> {
  const permitted = await resources.permittedScopes(roles);
  return (await resources.listResourceServers())
    .filter(({ accessTokenFormat }) => accessTokenFormat === 'opaque')
    .map((server) => ({ ...server, scopes: server.scopes.filter(({ name }) => permitted.has(name)) }))
    .filter(({ scopes }) => scopes.length > 0)
    .toSorted((one, other) => Number(other.isDefault) - Number(one.isDefault));
}

async function showForm(
  ctx: RouterContext,
  deps: TokensSectionDeps,
  console: Console,
  { fields, problems }: Filled,
): Promise<void> {
  const t = deps.page.translate(ctx);
  const offered = await offeredTo(deps, console.visitor(ctx).account.roles);
  const chosen = offered.find(({ identifier }) => identifier === fields.for) ?? offered[0];
  const locals = {
    path: pathOf(ctx),
    id: ID.test(fields.id ?? '') ? fields.id : randomUUID(),
    servers: offered.map(({ identifier, name }) => ({ identifier, name, isChosen: identifier === chosen?.identifier })),
    chosen: chosen?.identifier,
    scopes: chosen?.scopes.map(({ name }) => ({
      name,
      isChosen: fields[`scope.${name}`] === 'on',
      words: permissionWords({ kind: 'scope', name, at: chosen.identifier }, offered, t).words,
    })),
    days: dayLimits(),
    fields,
    problems: Object.fromEntries(
      Object.entries(problems).map(([field, key]) => [field, t(key, { most: MOST_TOKENS })]),
    ),
  };
  const isFine = Object.keys(problems).length === 0;
  const name = t('account-tokens.new.title');
  const title = isFine ? name : t('layout.problem', { title: name });
  console.render(ctx, 'tokens', 'account/token-new', locals, { title, status: isFine ? 200 : 422 });
}

/**
 * The one answer to a form that is no redirect: the token is in it, and must be in no address and no cookie. Sent again, the form
 * makes no second one, because it names the token that it makes.
 */
async function make(ctx: RouterContext, deps: TokensSectionDeps, console: Console): Promise<void> {
  await console.requireRecentSignIn(ctx);
  const { account } = console.visitor(ctx);
  try {
    const form = await readTokenForm(ctx, await offeredTo(deps, account.roles));
    const tokens = await deps.tokens.ofAccount(account.accountId);
    if (tokens.some(({ id }) => id === form.id)) {
      console.seeOther(ctx, '/tokens', 'account-tokens.said.made-already');
      return;
    }
    if (tokens.length >= MOST_TOKENS || !(await deps.mayMake(account.accountId))) {
      throw new FormProblems({ name: 'account-tokens.problem.too-many' }, form.fields);
    }
    await showMade(ctx, deps, console, form);
  } catch (error) {
    if (!(error instanceof FormProblems)) {
      throw error;
    }
    await showForm(ctx, deps, console, error);
  }
}

async function showMade(ctx: RouterContext, deps: TokensSectionDeps, console: Console, form: TokenForm): Promise<void> {
  const { account } = console.visitor(ctx);
  const { accountId } = account;
  const { id, name, resourceServer, scopes, expiresAt } = form;
  const value = deps.tokens.createValue(expiresAt);
  const access = { accountId, resourceServer, scopes, expiresAt, value };
  const grantId = await issuePersonalAccessToken(deps.provider(), access);
  if (!(await deps.tokens.add({ id, name, grantId, ...access }))) {
    // Nobody has seen it, or ever will: it ends with the grants that are on no list.
    await (await deps.provider().Grant.find(grantId))?.destroy();
    console.seeOther(ctx, '/tokens', 'account-tokens.said.made-already');
    return;
  }
  const details = { name, resource_server: resourceServer, scopes, expires_at: expiresAt.toISOString() };
  await deps.audit.record({ kind: 'personal_access_token_made', accountId, details });
  await deps.notices.tell(ctx, account, 'access-token-made', { name });
  const t = deps.page.translate(ctx);
  const permitted = permittedBy(form, await deps.resources.listResourceServers(), t);
  const locals = {
    value,
    name,
    path: pathOf(ctx),
    until: lastMomentOf(expiresAt, t.language),
    resourceServer,
    ...permitted,
  };
  const options = { title: t('account-tokens.made.title'), scripts: ['copy.js'] };
  console.render(ctx, 'tokens', 'account/token-made', locals, options);
}

async function revoke(ctx: RouterContext, deps: TokensSectionDeps, console: Console): Promise<void> {
  const { accountId } = console.visitor(ctx).account;
  const { id = '' } = ctx.params;
  if (!ID.test(id)) {
    throw new PageError('not_found', 'no token has such an id');
  }
  const token = await deps.tokens.find(accountId, id);
  if (token !== undefined) {
    await deps.grants.revoke({ accountId, clientId: PERSONAL_ACCESS, key: token.grantKey });
  }
  if (token === undefined || !(await deps.tokens.remove(accountId, id))) {
    console.seeOther(ctx, '/tokens', 'account-tokens.said.over');
    return;
  }
  const { name, resourceServer } = token;
  const details = { name, resource_server: resourceServer };
  await deps.audit.record({ kind: 'personal_access_token_revoked', accountId, details });
  console.seeOther(ctx, '/tokens', 'account-tokens.said.revoked');
}

function pathOf(ctx: RouterContext): string {
  return `${ctx.mountPath}/account/tokens`;
}
