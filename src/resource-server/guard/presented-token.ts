import type { IncomingMessage } from 'node:http';
import type { Refusals } from './refusals.ts';

/** No authorization server hands out longer ones, and asking about them would only pass the burden on. */
const LONGEST_TOKEN = 4096;

const B64TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;
const SCHEME = /^(?:(bearer)|dpop)(?:$| +)/i;

export interface Presented {
  readonly token: string;
  readonly scheme: 'Bearer' | 'DPoP';
  /** What the request asked for, as it came in: a framework may have taken the front of it away. */
  readonly target: string;
}

/**
 * The access token of a request: from the Authorization header and nowhere else (RFC 6750 §2.1).
 *
 * A token in the query (§2.3) is refused rather than ignored, so that its sender learns that it now stands in logs and
 * histories. Refusing it also covers "more than one method" (§3.1). Cookies are never looked at.
 */
export function readPresentedToken(request: IncomingMessage, target: string, refuse: Refusals): Presented {
  if (queryHolds(target, 'access_token')) {
    throw refuse.invalidRequest('Send the access token in the Authorization header, never in the URL.');
  }
  const header = authorizationOf(request, refuse);
  const match = SCHEME.exec(header);
  if (match === null) {
    throw refuse.noToken();
  }
  const scheme = match[1] === undefined ? 'DPoP' : 'Bearer';
  const token = header.slice(match[0].length);
  if (token.length > LONGEST_TOKEN) {
    throw refuse.invalidToken(`The access token is too long: none has more than ${LONGEST_TOKEN} characters.`);
  }
  if (!B64TOKEN.test(token)) {
    throw refuse.invalidRequest(`The Authorization header is not "${scheme}", a space and an access token.`);
  }
  return { token, scheme, target };
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

function queryHolds(target: string, name: string): boolean {
  const start = target.indexOf('?');
  return start >= 0 && new URLSearchParams(target.slice(start + 1)).has(name);
}
