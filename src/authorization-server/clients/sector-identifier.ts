/**
 * The list of redirect URIs behind a `sector_identifier_uri` (OpenID Connect Registration §5): proves that a client belongs
 * to the host whose pairwise subjects it wants to be told.
 */
import type { ClientMetadata } from './client.ts';

type Fetch = (url: string) => Promise<Response>;

/** What is wrong with it; `undefined` when nothing is. */
export async function sectorIdentifierProblem(metadata: ClientMetadata, fetch: Fetch): Promise<string | undefined> {
  const { sector_identifier_uri: uri, redirect_uris = [] } = metadata;
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
  const missing = redirect_uris.filter((redirectUri) => !listed.includes(redirectUri));
  return missing.length === 0 ? undefined : `does not list ${missing.join(' and ')}`;
}
