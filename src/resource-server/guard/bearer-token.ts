import type { IncomingMessage } from 'node:http';
import type { BearerRefusals } from './bearer-refusals.ts';

/** No authorization server hands out longer ones, and asking about them would only pass the burden on. */
const LONGEST_TOKEN = 4096;

const B64TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;

/**
 * The access token of a request: from the Authorization header and nowhere else (RFC 6750 §2.1).
 *
 * A token in the query (§2.3) is refused rather than ignored, so that its sender learns that it now stands in logs and
 * histories. Refusing it also covers "more than one method" (§3.1). Cookies are never looked at.
 */
export function readBearerToken(request: IncomingMessage, refuse: BearerRefusals): string {
  if (queryOf(request).has('access_token')) {
    throw refuse.invalidRequest('Send the access token in the Authorization header, never in the URL.');
  }
  // `headers.authorization` silently keeps the first of several.
  const [header = '', ...others] = request.headersDistinct.authorization ?? [];
  if (others.length > 0) {
    throw refuse.invalidRequest('Send one Authorization header.');
  }
  const token = /^bearer(?:$| +)(?<token>.*)$/i.exec(header)?.groups?.token;
  if (token === undefined) {
    throw refuse.noToken();
  }
  if (token.length > LONGEST_TOKEN) {
    throw refuse.invalidToken('The access token is too long to be one.');
  }
  if (!B64TOKEN.test(token)) {
    throw refuse.invalidRequest('The Authorization header is not "Bearer", a space and an access token.');
  }
  return token;
}

function queryOf({ url = '' }: IncomingMessage): URLSearchParams {
  const start = url.indexOf('?');
  return new URLSearchParams(start < 0 ? '' : url.slice(start + 1));
}
