import type { RouterContext } from '@koa/router';
import { z } from 'zod';
import type { Audit, AuditKind, AuditRow } from '../../audit/audit.ts';
import { ACCOUNT_CONSOLE } from '../../clients/account-console.ts';
import type { Translate } from '../../languages/languages.ts';
import { exactTime, momentOf } from '../moments.ts';
import type { Page } from '../page.ts';
import type { DescribeOrigin } from '../whereabouts.ts';
import type { Console, Section } from './section.ts';

export interface ActivitySectionDeps {
  readonly page: Page;
  readonly audit: Pick<Audit, 'ofAccount'>;
  readonly describeOrigin: DescribeOrigin;
  /** What a client calls itself; `undefined` for one that is gone. */
  readonly nameOfClient: (clientId: string) => Promise<string | undefined>;
}

const ROWS = 25;

/** A copy of the data has no more pages than this has rows. */
const MOST_EXPORTED = 10_000;

const Before = z.uuid();

/** What somebody should look at twice. */
const ALARMING: ReadonlySet<AuditKind> = new Set([
  'sign_in_failed',
  'sign_in_throttled',
  'code_reused',
  'refresh_token_reused',
  'recovery_code_used',
  'request_refused',
]);

/** `/account/activity`: what the audit log knows of an account, for the person whose it is. */
export function activitySection(deps: ActivitySectionDeps): Section {
  const { page, audit } = deps;
  return {
    id: 'activity',
    routes(router, console) {
      router.get('/activity', async (ctx) => show(ctx, console, deps));
    },
    async overviewCard(ctx, console) {
      const t = page.translate(ctx);
      const { account } = console.visitor(ctx);
      const [last] = await audit.ofAccount(account.accountId, { limit: 1 });
      return {
        id: 'activity',
        title: t('account.navigation.activity'),
        text:
          last === undefined
            ? t('account-activity.none')
            : `${wordsOf(last, t)} · ${momentOf(last.at, t.language).relative}`,
        tone: last !== undefined && ALARMING.has(last.kind) ? 'caution' : undefined,
        actions: [{ href: `${ctx.mountPath}/account/activity`, text: t('account-activity.card-action') }],
      };
    },
    async exportOf({ accountId }) {
      const rows = await audit.ofAccount(accountId, { limit: MOST_EXPORTED });
      return { activity: rows.map(({ accountId: _own, ...row }) => row) };
    },
  };
}

async function show(ctx: RouterContext, console: Console, deps: ActivitySectionDeps): Promise<void> {
  const t = deps.page.translate(ctx);
  const { account } = console.visitor(ctx);
  const { data: before } = Before.safeParse(ctx.query.before);
  const found = await deps.audit.ofAccount(account.accountId, { limit: ROWS + 1, before });
  const rows = found.slice(0, ROWS);
  const entries = await Promise.all(
    rows.map(async (row) => ({
      kind: row.kind,
      words: wordsOf(row, t),
      details: detailsOf(row, t),
      app: row.clientId && (await appOf(row.clientId, deps, t)),
      isAlarming: ALARMING.has(row.kind),
      moment: momentOf(row.at, t.language),
      time: exactTime(row.at, t.language, account.claims.zoneinfo),
      // What a command did has come from nowhere.
      from: row.requestId === undefined ? undefined : deps.describeOrigin(row, t),
    })),
  );
  const older = found.length > ROWS ? rows.at(-1)?.id : undefined;
  const locals = { entries, older, isFirst: before === undefined };
  console.render(ctx, 'activity', 'account/activity', locals, { title: t('account.navigation.activity') });
}

async function appOf(clientId: string, { nameOfClient }: ActivitySectionDeps, t: Translate): Promise<string> {
  return clientId === ACCOUNT_CONSOLE ? t('account.this-console') : ((await nameOfClient(clientId)) ?? clientId);
}

/** In the words of the catalogue, which has a message for each kind. */
function wordsOf({ kind }: AuditRow, t: Translate): string {
  return t(`account-activity.kind.${kind}`);
}

/** What it was done with or to, where the log says so: `password + authenticator app`, the name of a passkey. */
function detailsOf({ details = {} }: AuditRow, t: Translate): string[] {
  const { method, name, provider, browser } = details;
  const ways = typeof method === 'string' ? method.split('+').map((way) => `account-activity.method.${way}`) : [];
  const how = ways.filter((key) => t.has(key)).map((key) => t(key));
  const what = [name, provider, browser].filter((value) => typeof value === 'string' && value !== '').map(String);
  return [...(how.length > 0 ? [how.join(' + ')] : []), ...what];
}
