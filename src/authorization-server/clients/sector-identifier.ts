/**
 * The list of redirect URIs behind a `sector_identifier_uri` (OpenID Connect Registration §5): proves that a client belongs
 * to the host whose pairwise subjects it wants to be told. Where people answer elsewhere nobody is redirected, and the list
 * has to name the address of the client's keys (CIBA Core §4).
 */
import type { ClientMetadata } from './client.ts';

const WITHOUT_REDIRECT = ['urn:ietf:params:oauth:grant-type:device_code', 'urn:openid:params:grant-type:ciba'];

type Fetch = (url: string) => Promise<Response>;

/** What is wrong with it; `undefined` when nothing is. */
export async function sectorIdentifierProblem(metadata: ClientMetadata, fetch: Fetch): Promise<string | undefined> {
  const { sector_identifier_uri: uri, redirect_uris = [], jwks_uri, grant_types } = metadata;
  if (typeof uri !== 'string') {
    return undefined;
  }
  let listed: unknown;
  try {
    const response = await fetch(uri);
    if (response.status !== 200) {
      return `answers with ${response.status}`;
    }
    listed = await response.json();
  } catch (error) {
    return `gives no list: ${error instanceof Error ? error.message : String(error)}`;
  }
  if (!Array.isArray(listed)) {
    return 'gives no list';
  }
  const expected = WITHOUT_REDIRECT.some((grant) => grant_types.includes(grant))
    ? [...redirect_uris, jwks_uri ?? 'a jwks_uri']
    : redirect_uris;
  const missing = expected.filter((address) => !listed.includes(address));
  return missing.length === 0 ? undefined : `does not list ${missing.join(' and ')}`;
}
