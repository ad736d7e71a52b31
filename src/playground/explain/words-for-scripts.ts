import { browserStep } from '../exchange.ts';
import type { Issuer } from '../issuers.ts';
import { openidClientOf } from '../samples/openid-client.ts';
import { TITLES } from './explain-exchange.ts';
import { CLAIMS, MEMBERS, PARAMETERS } from './words.ts';

/** What a client in the browser does; the rest needs a server. */
const KINDS = [
  'authorization',
  'callback',
  'authorization_code',
  'refresh_token',
  'keys',
  'revocation',
  'userinfo',
  'api',
] as const;

/** What its messages are made of. A page is to stay light, so nobody is sent words that nothing there needs. */
const NAMES = new Set(
  (
    'response_type client_id redirect_uri scope state nonce code_challenge code_challenge_method code_verifier code iss ' +
    'prompt grant_type refresh_token token token_type_hint error error_description access_token token_type expires_in ' +
    'id_token keys sub aud exp iat auth_time at_hash acr amr sid username name email email_verified roles alg kid typ'
  ).split(' '),
);

const among = (words: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(words).filter(([name]) => NAMES.has(name)));

/** For the clients that are scripts: the same words, to explain by themselves what this server never sees. */
export function wordsForScripts(): Record<string, unknown> {
  const kinds = KINDS.map((kind) => [kind, { title: TITLES[kind][0], text: TITLES[kind][1] }]);
  return {
    kinds: Object.fromEntries(kinds),
    parameters: among(PARAMETERS),
    members: among(MEMBERS),
    claims: among(CLAIMS),
  };
}

/** The same calls with openid-client, for those who open them. */
export function samplesForScripts(issuer: Issuer): Record<string, string> {
  const client = issuer.clients.spa ?? { clientId: 'your-client', scope: 'openid' };
  const query = '?response_type=code&scope=openid&redirect_uri=https://your.app/callback';
  const exchange = browserStep(new URL(query, issuer.issuer));
  return Object.fromEntries(KINDS.map((kind) => [kind, openidClientOf(kind, { issuer, client, exchange }).trim()]));
}
