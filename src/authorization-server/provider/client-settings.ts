import Provider, { errors } from 'oidc-provider';
import type { ClientStore } from '../clients/client.ts';
import { verifySecret } from '../clients/secret.ts';
import { toleratesLoopbackRedirects } from '../flows/implicit/implicit.ts';
import type { Slice } from '../flows/slice.ts';
import { OUR_METADATA } from './clients.ts';
import { hookClients, keepClients } from './engine.ts';

/** No method that needs the secret itself: only its hash is kept. */
export function clientSettings(): Slice {
  return {
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'none'],
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
    grantTypeAllowed(allowed, grantType) {
      const oidc = Provider.ctx?.oidc;
      if (!allowed && oidc?.route === 'token' && oidc.params?.grant_type === grantType) {
        throw new errors.UnauthorizedClient(`the client is not registered for the grant type ${grantType}`);
      }
      return allowed;
    },
    responseTypeAllowed(allowed, responseType) {
      if (!allowed) {
        throw new errors.UnauthorizedClient(`the client is not registered for the response type ${responseType}`);
      }
      return allowed;
    },
    toleratesMetadata: (metadata, code) => development && toleratesLoopbackRedirects(metadata, code),
  });
}
