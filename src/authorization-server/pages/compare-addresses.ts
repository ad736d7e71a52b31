/** Two texts that should have been one: what they share at both ends, and what each has in between. */
export interface Difference {
  readonly before: string;
  readonly received: string;
  readonly registered: string;
  readonly after: string;
}

/** What tells two addresses apart, the least harmless last: messages `error.redirect.<kind>`. */
export type AddressProblem =
  | 'trailing-slash'
  | 'scheme'
  | 'loopback-name'
  | 'port'
  | 'case'
  | 'query'
  | 'fragment'
  | 'path'
  | 'several'
  | 'other'
  | 'no-address';

/** Redirect URIs are compared character by character (RFC 9700 §4.1.3): this says why two that look alike are not the same. */
export function addressProblem(received: string, registered: string): AddressProblem {
  const one = URL.parse(received);
  const other = URL.parse(registered);
  if (one === null || other === null) {
    return 'no-address';
  }
  if (received.replace(/\/$/, '') === registered.replace(/\/$/, '')) {
    return 'trailing-slash';
  }
  if (received.toLowerCase() === registered.toLowerCase()) {
    return 'case';
  }
  const differing = PARTS.filter(([, part]) => part(one) !== part(other)).map(([problem]) => problem);
  const [only, ...more] = differing;
  if (only === undefined || differing.includes('other')) {
    return 'other';
  }
  return more.length === 0 ? only : 'several';
}

const LOOPBACK: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];

const siteOf = ({ hostname }: URL) => (LOOPBACK.includes(hostname) ? 'loopback' : hostname);
const loopbackName = ({ hostname }: URL) => (LOOPBACK.includes(hostname) ? hostname : '');

const PARTS: readonly (readonly [AddressProblem, (url: URL) => string])[] = [
  ['scheme', ({ protocol }) => protocol],
  ['loopback-name', loopbackName],
  ['other', siteOf],
  // What a scheme has by default follows from the scheme.
  ['port', ({ port }) => port],
  ['path', ({ pathname }) => pathname],
  ['query', ({ search }) => search],
  ['fragment', ({ hash }) => hash],
];

/** The one that was probably meant. */
export function nearest(received: string, registered: readonly string[]): string | undefined {
  return registered.toSorted((one, other) => likeness(received, other) - likeness(received, one))[0];
}

function likeness(received: string, registered: string): number {
  const { before, after } = differenceOf(received, registered);
  return before.length + after.length;
}

export function differenceOf(received: string, registered: string): Difference {
  const shortest = Math.min(received.length, registered.length);
  let start = 0;
  while (start < shortest && received[start] === registered[start]) {
    start += 1;
  }
  let end = 0;
  while (end < shortest - start && received.at(-1 - end) === registered.at(-1 - end)) {
    end += 1;
  }
  return {
    before: received.slice(0, start),
    received: received.slice(start, received.length - end),
    registered: registered.slice(start, registered.length - end),
    after: received.slice(received.length - end),
  };
}
