import type { IncomingMessage } from 'node:http';
import type { Refusals } from './refusals.ts';

/** No authorization server hands out longer ones, and asking about them would only pass the burden on. */
const LONGEST_TOKEN = 4096;

const B64TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;
const BEARER = /^bearer(?:$| +)/i;

/**
 * The access token of a request: from the Authorization header and nowhere else (RFC 6750 §2.1).
 *
 * A token in the query (§2.3) is refused rather than ignored, so that its sender learns that it now stands in logs and
 * histories. Refusing it also covers "more than one method" (§3.1). Cookies are never looked at.
 */
export function readPresentedToken(request: IncomingMessage, refuse: Refusals): string {
  if (queryHolds(request, 'access_token')) {
    throw refuse.invalidRequest('Send the access token in the Authorization header, never in the URL.');
  }
  const header = authorizationOf(request, refuse);
  const scheme = BEARER.exec(header)?.[0];
  if (scheme === undefined) {
    throw refuse.noToken();
  }
  const token = header.slice(scheme.length);
  if (token.length > LONGEST_TOKEN) {
    throw refuse.invalidToken('The access token is too long to be one.');
  }
  if (!B64TOKEN.test(token)) {
    throw refuse.invalidRequest('The Authorization header is not "Bearer", a space and an access token.');
  }
  return token;
}

/** `headers.authorization` silently keeps the first of several. */
function authorizationOf({ headers, rawHeaders }: IncomingMessage, refuse: Refusals): string {
  const name = 'authorization';
  let found = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const other = rawHeaders[at];
    found += other?.length === name.length && other.toLowerCase() === name ? 1 : 0;
  }
  if (found > 1) {
    throw refuse.invalidRequest('Send one Authorization header.');
  }
  return headers.authorization ?? '';
}

function queryHolds({ url = '' }: IncomingMessage, name: string): boolean {
  const start = url.indexOf('?');
  return start >= 0 && new URLSearchParams(url.slice(start + 1)).has(name);
}
