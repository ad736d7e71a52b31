/**
 * Client ID metadata documents (draft-ietf-oauth-client-id-metadata-document): a client that nobody registered, whose id is
 * the https URL at which it describes itself.
 */
import type { Client } from './client.ts';
import { type Allowance, MetadataProblem, narrowedTo, registrationFrom } from './self-described.ts';

/** Whoever can read the document could use a secret. */
const AUTH_METHODS: readonly string[] = ['none', 'private_key_jwt'];

/**
 * §3: an https URL with a path, without a fragment, credentials or dot segments, written as URLs are compared. In development
 * the document may lie on this machine.
 */
export function isDocumentUrl(clientId: string, { development }: { readonly development: boolean }): boolean {
  const url = URL.parse(clientId);
  if (url === null || url.href !== clientId || url.pathname === '/' || clientId.includes('#')) {
    return false;
  }
  const loopback = url.protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  return url.username + url.password === '' && (url.protocol === 'https:' || (development && loopback));
}

/** §4. Throws `MetadataProblem` for a document that this server does not take. */
export function clientOfDocument(clientId: string, document: unknown, allowance: Allowance): Client {
  if (typeof document !== 'object' || document === null || Array.isArray(document)) {
    throw new MetadataProblem('the document is not a JSON object');
  }
  const described = document as Record<string, unknown>;
  if (described.client_id !== clientId) {
    throw new MetadataProblem('client_id in the document is not the URL of the document');
  }
  if ('client_secret' in described || 'client_secret_expires_at' in described) {
    throw new MetadataProblem('client_secret has no place in a document that everybody can read');
  }
  const metadata = registrationFrom(narrowedTo(allowance, described), allowance);
  if (!AUTH_METHODS.includes(metadata.token_endpoint_auth_method)) {
    throw new MetadataProblem(`token_endpoint_auth_method of a document is ${AUTH_METHODS.join(' or ')}`);
  }
  return { clientId, metadata, secretHash: undefined, resourceServer: undefined, selfDescribed: 'document' };
}
