import { type AnsweredRequest, askingClient, claimsAskedFor, proposeGrant } from '../flows/ciba/answer.ts';
import { type ClientCard, clientCard } from './client-card.ts';
import { type Permission, permissionsOf } from './scope-words.ts';
import { minutesAgo, minutesLeft } from './time-words.ts';

/** A client's request, as the person sees it whom it asks. */
export interface RequestCard {
  readonly handle: string;
  readonly client: ClientCard;
  /** CIBA §7.1: what the client shows where the person is, so that they know that both belong together. */
  readonly message: string | undefined;
  readonly permissions: readonly Permission[];
  readonly minutesAgo: number;
  readonly minutesLeft: number;
}

/** `undefined` when the client is gone. */
export async function requestCard(
  handle: string,
  answered: AnsweredRequest,
  now = Date.now() / 1000,
): Promise<RequestCard | undefined> {
  const { request, resourceServers } = answered;
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
    permissions: permissionsOf({
      grant: proposeGrant(answered),
      scope: request.scope ?? '',
      claims: claimsAskedFor(request),
      resourceServers,
    }),
    minutesAgo: minutesAgo(now - request.iat),
    minutesLeft: minutesLeft((request.exp ?? now) - now),
  };
}
