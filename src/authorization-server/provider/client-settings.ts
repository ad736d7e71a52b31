import Provider, { type Client as EngineClient, errors } from 'oidc-provider';
import type { ClientStore } from '../clients/client.ts';
import { verifySecret } from '../clients/secret.ts';
import { toleratesLoopbackRedirects } from '../flows/implicit/implicit.ts';
import type { Slice } from '../flows/slice.ts';
import { OUR_METADATA, registrationOf } from './clients.ts';
import { hookClients, keepClients } from './engine.ts';

export function clientSettings(): Slice {
  return {
    extraClientMetadata: { properties: [...OUR_METADATA] },
    // The pages of a public client, and at userinfo of any client. `null` is the origin of a redirect URI with a scheme of
    // its own, and of every sandboxed frame.
    clientBasedCORS: (ctx, origin, client) =>
      origin !== 'null' &&
      (ctx.oidc.route === 'userinfo' || client.tokenEndpointAuthMethod === 'none') &&
      (client.redirectUris ?? []).some((uri) => URL.parse(uri)?.origin === origin),
  };
}

export interface ClientExtensionDeps {
  readonly clients: ClientStore;
  readonly development: boolean;
}

/** What a client can do, where the engine's own answer is not ours. */
export function extendClients(provider: Provider, { clients, development }: ClientExtensionDeps): void {
  keepClients(provider, (clientId) => clients.findClient(clientId));
  hookClients(provider, {
    compareClientSecret: (registered, presented) => registered !== undefined && verifySecret(presented, registered),
    // RFC 6749 §5.2 and §4.1.2.1 have a word for it; the engine says invalid_request.
    grantTypeAllowed(allowed, grantType, client) {
      const oidc = Provider.ctx?.oidc;
      refuseWhereHeldBack(client);
      if (!allowed && oidc?.route === 'token' && oidc.params?.grant_type === grantType) {
        throw new errors.UnauthorizedClient(`the client is not registered for the grant type ${grantType}`);
      }
      return allowed;
    },
    responseTypeAllowed(allowed, responseType, client) {
      refuseWhereHeldBack(client);
      if (!allowed) {
        throw new errors.UnauthorizedClient(`the client is not registered for the response type ${responseType}`);
      }
      return allowed;
    },
    toleratesMetadata: (metadata, code) => development && toleratesLoopbackRedirects(metadata, code),
  });
}

/** Whether it may have this or that grant is no question then. */
function refuseWhereHeldBack(client: EngineClient): void {
  const { obstacle } = registrationOf(client);
  if (obstacle !== undefined) {
    throw new errors.UnauthorizedClient(obstacle);
  }
}
