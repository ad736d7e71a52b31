import type { RouterContext } from '@koa/router';
import type { IdentityStore, LinkedIdentity } from '../../accounts/identities.ts';
import type { Audit } from '../../audit/audit.ts';
import type { Translate } from '../../languages/languages.ts';
import type { Notices } from '../notices.ts';
import type { Page } from '../page.ts';
import { PageError } from '../page-error.ts';
import type { Console, Section } from './section.ts';

export interface ConnectedSectionDeps {
  readonly page: Page;
  readonly providers: readonly { readonly id: string; readonly name: string }[];
  readonly identities: Pick<IdentityStore, 'identitiesOf' | 'unlink'>;
  readonly audit: Pick<Audit, 'record'>;
  readonly notices: Pick<Notices, 'tell'>;
}

/** `/account/connected`: where else somebody is known, and can sign in by. */
export function connectedSection({ page, providers, identities, audit, notices }: ConnectedSectionDeps): Section {
  const nameOf = (id: string, t: Translate) =>
    providers.find((provider) => provider.id === id)?.name ?? t('sign-in-with.connected.directory');

  async function show(ctx: RouterContext, console: Console, problem?: string): Promise<void> {
    const t = page.translate(ctx);
    const linked = await identities.identitiesOf(console.visitor(ctx).account.accountId);
    const shown = ({ provider, email, linkedAt }: LinkedIdentity) => ({
      provider,
      name: nameOf(provider, t),
      words: t('sign-in-with.connected.since', { date: linkedAt, email }),
      // An LDAP directory is asked for everybody: to disconnect it would change nothing.
      mayGo: providers.some(({ id }) => id === provider),
    });
    const options = { title: t('sign-in-with.connected.title'), status: problem === undefined ? 200 : 409 };
    console.render(ctx, 'security', 'account/connected', { linked: linked.map(shown), problem }, options);
  }

  async function disconnect(ctx: RouterContext, console: Console): Promise<void> {
    await console.requireRecentSignIn(ctx, '/connected');
    const { account } = console.visitor(ctx);
    const provider = providers.find(({ id }) => id === ctx.params.provider);
    if (provider === undefined) {
      throw new PageError('not_found');
    }
    const outcome = await identities.unlink(account.accountId, provider.id);
    if (outcome === 'only_way') {
      return show(ctx, console, page.translate(ctx)('sign-in-with.connected.only-way'));
    }
    if (outcome === 'unlinked') {
      const details = { provider: provider.id };
      await audit.record({ kind: 'identity_unlinked', accountId: account.accountId, details });
      await notices.tell(ctx, account, 'identity-unlinked', { name: provider.name });
    }
    console.seeOther(ctx, '/connected', 'sign-in-with.said.disconnected');
  }

  return {
    id: 'security',
    routes(router, console) {
      router.get('/connected', (ctx) => show(ctx, console));
      router.post('/connected/:provider/disconnect', (ctx) => disconnect(ctx, console));
    },
    exportOf: async ({ accountId }) => ({ connectedAccounts: await identities.identitiesOf(accountId) }),
    async securityCard(ctx, console) {
      const linked = await identities.identitiesOf(console.visitor(ctx).account.accountId);
      if (providers.length === 0 && linked.length === 0) {
        return undefined;
      }
      const t = page.translate(ctx);
      const names = linked.map(({ provider }) => nameOf(provider, t));
      return {
        id: 'connected',
        title: t('sign-in-with.connected.title'),
        text: names.length === 0 ? t('sign-in-with.connected.none') : names.join(', '),
        actions:
          names.length === 0
            ? []
            : [{ href: `${ctx.mountPath}/account/connected`, text: t('sign-in-with.connected.manage') }],
      };
    },
  };
}
