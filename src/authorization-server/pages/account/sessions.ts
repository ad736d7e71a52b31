import type { RouterContext } from '@koa/router';
import { z } from 'zod';
import type { BrowserSession, BrowserSessionStore } from '../../accounts/browser-sessions.ts';
import type { Audit } from '../../audit/audit.ts';
import { readForm } from '../form.ts';
import { exactTime, momentOf } from '../moments.ts';
import type { Page } from '../page.ts';
import type { DescribeOrigin } from '../whereabouts.ts';
import type { Console, Section } from './section.ts';

export interface SessionsSectionDeps {
  readonly page: Page;
  readonly sessions: Pick<BrowserSessionStore, 'list'>;
  /** Ends them at every node, tells the clients that asked to be told, and says which they were. */
  readonly endSessions: (accountId: string, uids: readonly string[]) => Promise<readonly BrowserSession[]>;
  readonly describeOrigin: DescribeOrigin;
  readonly audit: Pick<Audit, 'record'>;
}

const EndForm = z.object({ session: z.string().min(1).max(100) });

/** `/account/sessions`: in which browsers somebody is signed in, and a way to end that in each. */
export function sessionsSection(deps: SessionsSectionDeps): Section {
  const { page, sessions } = deps;
  return {
    id: 'sessions',
    routes(router, console) {
      router.get('/sessions', async (ctx) => show(ctx, console, deps));
      router.post('/sessions/end', async (ctx) => {
        const { session } = await readForm(ctx, EndForm);
        await end(ctx, console, deps, (uid) => uid === session);
        console.seeOther(ctx, '/sessions', 'account-sessions.said.ended');
      });
      router.post('/sessions/end-others', async (ctx) => {
        const { sessionUid } = console.visitor(ctx);
        await end(ctx, console, deps, (uid) => uid !== sessionUid);
        console.seeOther(ctx, '/sessions', 'account-sessions.said.others-ended');
      });
    },
    async overviewCard(ctx, console) {
      const t = page.translate(ctx);
      const { account } = console.visitor(ctx);
      const { length: count } = await sessions.list(account.accountId);
      return {
        id: 'sessions',
        title: t('account.navigation.sessions'),
        state: t('account-sessions.count', { count }),
        text: t(count > 1 ? 'account-sessions.card-more' : 'account-sessions.card-one'),
        actions: [{ href: `${ctx.mountPath}/account/sessions`, text: t('account-sessions.card-action') }],
      };
    },
    async exportOf({ accountId }) {
      return { sessions: await sessions.list(accountId) };
    },
  };
}

async function show(ctx: RouterContext, console: Console, { page, sessions, describeOrigin }: SessionsSectionDeps) {
  const t = page.translate(ctx);
  const { account, sessionUid } = console.visitor(ctx);
  const listed = (await sessions.list(account.accountId)).map((session) => ({
    uid: session.uid,
    isHere: session.uid === sessionUid,
    ...describeOrigin(session, t),
    seen: momentOf(session.seenAt, t.language),
    signedIn: exactTime(session.signedInAt, t.language, account.claims.zoneinfo),
  }));
  const here = listed.filter(({ isHere }) => isHere);
  const others = listed.filter(({ isHere }) => !isHere);
  console.render(ctx, 'sessions', 'account/sessions', { here, others }, { title: t('account.navigation.sessions') });
}

/** Among the visitor's own: whatever a form names, nobody else's session ends. */
async function end(ctx: RouterContext, console: Console, deps: SessionsSectionDeps, isMeant: (uid: string) => boolean) {
  const { account } = console.visitor(ctx);
  const { accountId } = account;
  const meant = (await deps.sessions.list(accountId)).map(({ uid }) => uid).filter(isMeant);
  const ended = meant.length === 0 ? [] : await deps.endSessions(accountId, meant);
  const t = deps.page.translate(ctx);
  await Promise.all(
    ended.map((session) => {
      const { browser } = deps.describeOrigin(session, t);
      return deps.audit.record({ kind: 'session_ended', accountId, details: { browser } });
    }),
  );
}
