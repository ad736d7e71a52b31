/**
 * Redirect URIs (RFC 6749 §3.1.2, RFC 9700 §2.1, RFC 8252 §7 and §8.4): what may be registered. At the authorization
 * endpoint they are compared exactly, so everything that could mean more than one place is refused here.
 */
const LONGEST = 2048;

/** RFC 3986 §2 without `*` (no wildcards), `#` (no fragment) and `\`, which browsers read as `/`. */
const URI_CHARACTERS = /^[A-Za-z0-9\-._~:/?[\]@!$&'()+,;=%]+$/;

export type ApplicationType = 'web' | 'native';

/** What is wrong with it; `undefined` when nothing is. */
export function redirectUriProblem(uri: string, applicationType: ApplicationType): string | undefined {
  if (uri.length > LONGEST) {
    return `is longer than ${LONGEST} characters`;
  }
  if (!URI_CHARACTERS.test(uri)) {
    return 'has a fragment, a wildcard or a character that a URI cannot have';
  }
  const url = URL.parse(uri);
  if (url === null) {
    return 'is not an absolute URI';
  }
  if (url.username !== '' || url.password !== '') {
    return 'carries a user name or a password';
  }
  if (url.protocol === 'https:' || url.protocol === 'http:') {
    return webProblem(uri, url, applicationType);
  }
  if (applicationType === 'web') {
    return 'is neither https nor http';
  }
  // A scheme with a dot is a reversed domain name of the app's maker; it also keeps javascript:, data: and the like out.
  return url.protocol.includes('.')
    ? undefined
    : 'has a scheme that is not a reversed domain name (RFC 8252 section 7.1)';
}

function webProblem(uri: string, url: URL, applicationType: ApplicationType): string | undefined {
  if (!/^https?:\/\/[^/]/i.test(uri)) {
    return 'names no host';
  }
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    return 'is http, and not a loopback address';
  }
  if (url.protocol === 'https:' && applicationType === 'native' && isLoopback(url.hostname)) {
    return 'is https on a loopback address, where nobody can hold the certificate';
  }
  return undefined;
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]';
}
