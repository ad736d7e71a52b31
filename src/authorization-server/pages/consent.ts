import type { RouterContext } from '@koa/router';
import { z } from 'zod';
import type { Interaction } from '../flows/authorization-code/consent.ts';
import {
  type Choice,
  type Consent,
  type ConsentRequest,
  giveConsent,
  loadConsent,
} from '../flows/authorization-code/consent.ts';
import type { Translate } from '../languages/languages.ts';
import { ACCESS_DURATIONS } from '../resources/access-duration.ts';
import { readableDetails } from './authorization-details-words.ts';
import { destinationOf } from './client-card.ts';
import { FormProblems, readForm } from './form.ts';
import type { InteractionPages } from './interaction.ts';
import { PageError } from './page-error.ts';
import { finish, type PendingStep } from './pending-step.ts';
import { byPlace, permissionWords } from './scope-words.ts';

/** What else is in the form are the names of what is allowed; nothing counts that was not asked for. */
const ConsentForm = z.object({ duration: z.enum(ACCESS_DURATIONS) }).catchall(z.string());

export function consentPage(deps: InteractionPages) {
  const { page, findAccount, audit } = deps;
  return {
    async show(ctx: RouterContext, step: PendingStep): Promise<void> {
      const { interaction, client, path, request, isForDevice } = step;
      const t = page.translate(ctx);
      const [account, asked] = await Promise.all([
        findAccount(interaction.session?.accountId ?? ''),
        askedOf(deps, step),
      ]);
      if (account === undefined || account.disabled) {
        throw new PageError('sign_in_lost', 'the account is gone');
      }
      const consent = await loadConsent(asked);
      const locals = {
        client,
        path,
        request,
        account: { name: account.name, email: account.email },
        ...wordsOf(consent, asked, t),
        destination: destinationWords(interaction, step, t),
        isForDevice,
      };
      const options = { title: t('consent.title', { client: client.name }), withinFlow: true, logo: client.logo };
      page.render(ctx, 'consent', locals, options);
    },

    async approve(ctx: RouterContext, step: PendingStep): Promise<void> {
      const { provider, interaction } = step;
      if (interaction.prompt.name !== 'consent') {
        throw new PageError('sign_in_lost', `the pending step is ${interaction.prompt.name}`);
      }
      const asked = await askedOf(deps, step);
      const [{ duration, ...fields }, consent] = [await readAnswer(ctx), await loadConsent(asked)];
      if (!consent.durations.includes(duration)) {
        throw new PageError('malformed_form', `${duration} is not offered`);
      }
      const answer = { allowed: new Set(Object.keys(fields)), duration };
      const about = { accountId: interaction.session?.accountId, clientId: String(interaction.params.client_id) };
      const given = await giveConsent(asked, consent, answer);
      if (given === undefined) {
        await audit.record({ kind: 'consent_denied', ...about });
        const error_description = 'the account holder allowed none of what was asked for';
        return finish(ctx, provider, { error: 'access_denied', error_description });
      }
      const details = { scopes: given.given, leftOut: given.leftOut, duration };
      await audit.record({ kind: 'consent_given', ...about, details });
      await finish(ctx, provider, { consent: given.consent });
    },

    /** RFC 6749 §4.1.2.1: the client learns that the person said no. */
    async deny(ctx: RouterContext, { provider, interaction }: PendingStep): Promise<void> {
      const { session, params } = interaction;
      await audit.record({
        kind: 'consent_denied',
        accountId: session?.accountId,
        clientId: String(params.client_id),
      });
      const error_description = 'the account holder denied the request';
      await finish(ctx, provider, { error: 'access_denied', error_description });
    },
  };
}

async function readAnswer(ctx: RouterContext): Promise<z.infer<typeof ConsentForm>> {
  return readForm(ctx, ConsentForm).catch((error: unknown) => {
    // Nothing on the page can be left empty: whoever sends this did not fill it in.
    throw error instanceof FormProblems ? new PageError('malformed_form', 'duration is missing') : error;
  });
}

async function askedOf(
  { listResourceServers, longestConsent }: InteractionPages,
  { provider, interaction }: PendingStep,
): Promise<ConsentRequest> {
  const [client, resourceServers] = await Promise.all([
    provider.Client.find(String(interaction.params.client_id)),
    listResourceServers(),
  ]);
  const required = client?.required_scopes;
  const requiredScopes = typeof required === 'string' ? required : undefined;
  return { provider, interaction, resourceServers, requiredScopes, longest: longestConsent };
}

function wordsOf(consent: Consent, { interaction, resourceServers }: ConsentRequest, t: Translate) {
  const line = (choice: Choice) => ({
    ...permissionWords(choice, resourceServers, t),
    key: choice.key,
    required: choice.required,
    // What was refused before is offered again, and not taken for allowed.
    checked: choice.required || choice.decision !== 'refused',
    refused: choice.decision === 'refused',
  });
  const details = readableDetails(interaction.params.authorization_details, resourceServers, t);
  const { choices, held, durations, duration } = consent;
  return {
    choices: byPlace(choices.map(line)),
    held: byPlace(held.map((one) => permissionWords(one, resourceServers, t))),
    details: details.map((detail, index) => ({ ...detail, key: consent.details[index] })),
    heading: headingOf(consent),
    again: choices.length > 0 && choices.every(({ decision }) => decision !== 'new'),
    durations: durations.map((name) => ({ name, checked: name === duration })),
    // Without offline access nothing outlives the session, however long it is allowed for.
    endsWithSession:
      durations.includes('session') && ![...choices, ...held].some(({ name }) => name === 'offline_access'),
  };
}

function headingOf({ choices, held, details }: Consent): string {
  if (choices.length + details.length === 0 && held.length > 0) {
    return 'consent.heading-again';
  }
  return held.length > 0 ? 'consent.heading-more' : 'consent.heading';
}

function destinationWords({ params }: Interaction, { client }: PendingStep, t: Translate): string | undefined {
  const destination = destinationOf(params.redirect_uri, client);
  return destination?.isOnThisDevice ? t('consent.on-this-device', { place: destination.place }) : destination?.place;
}
