import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import type { BrowserSessionStore } from '../../accounts/browser-sessions.ts';
import type { Audit } from '../../audit/audit.ts';

export interface SignOutDeps {
  readonly sessions: Pick<BrowserSessionStore, 'end'>;
  readonly audit: Pick<Audit, 'record'>;
}

/** The field of the sign-out page that asks for all browsers. */
export const EVERYWHERE = 'everywhere';

/** What a sign-out is besides the engine's part: a row of the audit log, and the end of the person's other sessions if they wish. */
export function noteSignOuts(provider: Provider, { sessions, audit }: SignOutDeps): void {
  provider.use(async (context, next) => {
    await next();
    const ctx = context as KoaContextWithOIDC;
    const accountId = signedOut(ctx);
    if (accountId === undefined) {
      return;
    }
    const clientId = ctx.oidc.client?.clientId;
    await audit.record({ kind: 'sign_out', accountId, clientId });
    if (ctx.oidc.body?.[EVERYWHERE] === 'yes') {
      const ended = await sessions.end(accountId, 'all');
      await Promise.all(ended.map(() => audit.record({ kind: 'session_ended', accountId, clientId })));
    }
  });
}

/** Whom the engine has just signed out. The secret of the page was right: nothing else ends a session there. */
function signedOut({ oidc }: Partial<KoaContextWithOIDC>): string | undefined {
  const session = oidc?.session as { readonly accountId?: string; readonly destroyed?: boolean } | undefined;
  return oidc?.route === 'end_session_confirm' && session?.destroyed === true ? session.accountId : undefined;
}
