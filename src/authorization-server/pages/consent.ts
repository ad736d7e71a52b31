import type { RouterContext } from '@koa/router';
import { z } from 'zod';
import { grantConsent, proposeGrant } from '../flows/authorization-code/consent.ts';
import { readableDetails } from './authorization-details-words.ts';
import { destinationOf, plainDestinationOf } from './client-card.ts';
import { readForm } from './form.ts';
import type { InteractionPages } from './interaction.ts';
import { PageError } from './page-error.ts';
import { finish, type PendingStep } from './pending-step.ts';
import { permissionsOf } from './scope-words.ts';

/** The form has no fields that count: what is granted is what the engine stored with the interaction. */
const ConsentForm = z.object({});

/** OpenID Connect Core §5.5, as the engine has checked it: the names of the claims that are asked for. */
function claimsOf(parameter: unknown): string[] {
  const { userinfo, id_token } = typeof parameter === 'string' ? JSON.parse(parameter) : {};
  return [...new Set([userinfo, id_token].flatMap((claims) => Object.keys(claims ?? {})))];
}

export function consentPage({ page, findAccount, listResourceServers }: InteractionPages) {
  return {
    async show(
      ctx: RouterContext,
      { provider, interaction, client, path, request, isForDevice }: PendingStep,
    ): Promise<void> {
      const [account, resourceServers] = await Promise.all([
        findAccount(interaction.session?.accountId ?? ''),
        listResourceServers(),
      ]);
      if (account === undefined || account.disabled) {
        throw new PageError('sign_in_lost', 'the account is gone');
      }
      const grant = await proposeGrant({ provider, interaction, resourceServers });
      const { scope = '', claims, authorization_details } = interaction.params;
      const permissions = permissionsOf({ grant, scope: String(scope), claims: claimsOf(claims), resourceServers });
      const describe = client.unverified === undefined ? destinationOf : plainDestinationOf;
      const destination = describe(interaction.params.redirect_uri);
      page.render(
        ctx,
        'consent',
        {
          client,
          path,
          request,
          account: { name: account.name, email: account.email },
          permissions,
          details: readableDetails(authorization_details, resourceServers),
          destination,
          isForDevice,
        },
        { title: `Allow ${client.name}?`, withinFlow: true, logo: client.logo },
      );
    },
    async approve(ctx: RouterContext, { provider, interaction }: PendingStep): Promise<void> {
      if (interaction.prompt.name !== 'consent') {
        throw new PageError('sign_in_lost', `the pending step is ${interaction.prompt.name}`);
      }
      await readForm(ctx, ConsentForm);
      const grantId = await grantConsent({ provider, interaction, resourceServers: await listResourceServers() });
      await finish(ctx, provider, { consent: { grantId } });
    },
  };
}
