import type { ClientMetadata } from 'oidc-provider';
import type { Slice } from '../slice.ts';

/**
 * Implicit grant (RFC 6749 §4.2, OpenID Connect Core §3.2).
 *
 * Discouraged by RFC 9700 §2.1.2, and complete here all the same: a client has it only when its registration says so.
 * Tokens travel in the fragment or by form_post, never in a query, and there is no refresh token.
 */
export const implicitSettings = (): Slice => ({
  responseTypes: ['id_token', 'id_token token'],
});

/** Plain OAuth 2.0. The engine refuses to be configured with it and answers it well: see provider/engine.ts. */
export const PLAIN_TOKEN = 'token';

/**
 * The engine wants https redirects, and none to localhost, of web clients with the implicit grant. On a developer's
 * machine there is nothing but http on loopback, so both complaints are passed over when the whole server is a
 * development one and every redirect of the client stays on the machine. (`application_type: native` would avoid them
 * too, at the price of asking for consent every time and accepting any port.)
 */
export function toleratesLoopbackRedirects(metadata: ClientMetadata, code: string | undefined): boolean {
  return (
    (code === 'implicit-force-https' || code === 'implicit-forbid-localhost') &&
    (metadata.redirect_uris ?? []).every(isHttpLoopback)
  );
}

function isHttpLoopback(uri: string): boolean {
  const url = URL.parse(uri);
  return url?.protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
}
