import { createHmac } from 'node:crypto';
import Provider, { type Client } from 'oidc-provider';
import type { Slice } from '../flows/slice.ts';

/**
 * Subject identifiers (OpenID Connect Core §8): `public`, the same for every client, or `pairwise`: clients of different
 * sectors are told different ones for the same account, and cannot tell that it is the same.
 *
 * A resource server is told the account's own (docs/decisions/0005-the-subject-that-a-resource-server-sees.md).
 */
export const subjectIdentifierSettings = ({ pairwiseSalt }: { readonly pairwiseSalt: string }): Slice => ({
  subjectTypes: ['public', 'pairwise'],
  pairwiseIdentifier: async (_ctx, accountId, client) =>
    createHmac('sha256', pairwiseSalt)
      .update(`${sectorOf(client)}\0${accountId}`)
      .digest('base64url'),
  // §8.1 and OpenID Connect Registration §5 have it fetched when a client is registered: `concierge apply` does so, and the
  // registration endpoint. Later a sector that does not answer would be a client that cannot sign anybody in.
  sectorIdentifierUriValidate: () => ['registration', 'client_update'].includes(Provider.ctx?.oidc.route ?? ''),
});

/** A host (§8.1). A registration without any is refused: clients/response-rules.ts. */
function sectorOf(client: Client): string {
  const { sectorIdentifier } = client;
  if (typeof sectorIdentifier !== 'string' || sectorIdentifier === '') {
    throw new TypeError(`${client.clientId} has pairwise subjects and no sector`);
  }
  return sectorIdentifier;
}
