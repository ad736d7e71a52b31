import type { RouterContext } from '@koa/router';
import type Provider from 'oidc-provider';
import type { InteractionResults } from 'oidc-provider';
import type { Interaction } from '../flows/authorization-code/consent.ts';
import { type ClientCard, clientCard } from './client-card.ts';
import { PageError } from './page-error.ts';
import type { RememberedRequests } from './remembered-request.ts';
import { seeOther } from './see-other.ts';

/** The pending step of an authorization request, with what every page of it needs. */
export interface PendingStep {
  readonly provider: Provider;
  readonly interaction: Interaction;
  readonly client: ClientCard;
  /** The path of the interaction; its actions lie below it. */
  readonly path: string;
  /** The authorization request, for a hidden field of the step's forms (remembered-request.ts). */
  readonly request: string;
  /** What was typed before the sign-in had to begin again. */
  readonly typedEmail: string | undefined;
  /** The answer goes to a device that waits (RFC 8628), and the browser nowhere. */
  readonly isForDevice: boolean;
}

/**
 * The interaction comes from the browser's cookie. Its id must also be the one in the URL: a cookie is sent to every
 * path below its own, and a person must answer the request that is on the screen.
 */
export async function loadPendingStep(
  ctx: RouterContext,
  provider: Provider,
  requests: RememberedRequests,
): Promise<PendingStep> {
  const interaction = await provider.interactionDetails(ctx.req, ctx.res);
  if (interaction.uid !== ctx.params.uid) {
    throw new PageError('sign_in_lost', 'the interaction is not the one of this browser');
  }
  ctx.state.uiLocales = interaction.params.ui_locales;
  const client = await provider.Client.find(String(interaction.params.client_id));
  if (client === undefined) {
    throw new PageError('client_gone');
  }
  const path = `${ctx.mountPath}/interaction/${interaction.uid}`;
  const isForDevice = 'deviceCode' in interaction;
  // For `finish`: the address it sends the browser to carries the request as well.
  ctx.state.remember = ({ login, error }: InteractionResults) =>
    isForDevice
      ? ''
      : requests.toAddress(interaction, {
          ...(login === undefined ? {} : { accountId: login.accountId }),
          cancelled: error !== undefined,
        });
  const typedEmail = requests.read(ctx.query.request)?.email;
  const request = requests.write(interaction);
  return { provider, interaction, client: clientCard(client), path, request, typedEmail, isForDevice };
}

/**
 * An earlier step's result is merged into consent only: a sign-in or a refusal starts from nothing.
 */
export async function finish(ctx: RouterContext, provider: Provider, result: InteractionResults): Promise<void> {
  const mergeWithLastSubmission = 'consent' in result;
  const returnTo = await provider.interactionResult(ctx.req, ctx.res, result, { mergeWithLastSubmission });
  seeOther(ctx, returnTo + ctx.state.remember(result));
}
