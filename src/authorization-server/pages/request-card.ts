import { type AnsweredRequest, askingClient, claimsAskedFor, proposeGrant } from '../flows/ciba/answer.ts';
import type { Translate } from '../languages/languages.ts';
import { type DecidedGrant, decisionOn, permissionsAsked } from '../resources/permissions.ts';
import { type ClientCard, clientCard } from './client-card.ts';
import { type PermissionWords, permissionWords } from './scope-words.ts';
import { minutesAgo, minutesLeft } from './time-words.ts';

/** A client's request, as the person sees it whom it asks. */
export interface RequestCard {
  readonly handle: string;
  readonly client: ClientCard;
  /** CIBA §7.1: what the client shows where the person is, so that they know that both belong together. */
  readonly message: string | undefined;
  readonly permissions: readonly PermissionWords[];
  readonly minutesAgo: number;
  readonly minutesLeft: number;
}

/** `undefined` when the client is gone. */
export async function requestCard(
  handle: string,
  answered: AnsweredRequest,
  t: Translate,
  now = Date.now() / 1000,
): Promise<RequestCard | undefined> {
  const { request } = answered;
  const client = await askingClient(answered);
  if (client === undefined) {
    return undefined;
  }
  const message = request.params?.binding_message;
  return {
    handle,
    // A page shows the picture of one client at most, and here there may be many.
    client: { ...clientCard(client), logo: undefined },
    message: typeof message === 'string' ? message : undefined,
    permissions: permissionsOf(answered, t),
    minutesAgo: minutesAgo(now - request.iat),
    minutesLeft: minutesLeft((request.exp ?? now) - now),
  };
}

/** What is granted once it is allowed: read off the grant itself, so that the page cannot show less. */
function permissionsOf(answered: AnsweredRequest, t: Translate): readonly PermissionWords[] {
  const { request, resourceServers } = answered;
  const { scope, resource } = request;
  const grant = proposeGrant(answered) as DecidedGrant;
  const granted = permissionsAsked({ scope, resource, claims: claimsAskedFor(request) }, resourceServers)
    .filter((permission) => decisionOn(grant, permission) === 'granted')
    .map((permission) => permissionWords(permission, resourceServers, t));
  return granted.filter(
    (one, index) => granted.findIndex(({ at, words }) => at === one.at && words === one.words) === index,
  );
}
