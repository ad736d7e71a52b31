import type Provider from 'oidc-provider';

type Client = NonNullable<Awaited<ReturnType<Provider['Client']['find']>>>;

/** A client as people see it. */
export interface ClientCard {
  readonly name: string;
  /** Stands in for a missing logo. */
  readonly initial: string;
  readonly logo: string | undefined;
  /** Its home page, to go back to. */
  readonly home: string | undefined;
  /** What it says about the data it gets, and about its use (OpenID Connect Registration §2). */
  readonly policy: string | undefined;
  readonly terms: string | undefined;
  /** Since when it is known here; `undefined` for one that is described elsewhere. */
  readonly since: Date | undefined;
  /** Nobody but the client itself says all this. `host` is where it says so, for a client with a metadata document. */
  readonly unverified: { readonly host: string | undefined } | undefined;
}

/**
 * Name, logo and links are the client's own words: only https reaches a page, and every value is escaped there. Of a client
 * that nobody vouches for the picture and the links are left out: they could be those of another.
 */
export function clientCard(client: Client): ClientCard {
  const unverified = unverifiedOf(client);
  const name = readableName(client.clientName) ?? unverified?.host ?? client.clientId;
  const vouchedFor = (value: unknown) => (unverified === undefined ? httpsUrl(value) : undefined);
  return {
    name,
    initial: [...name][0]?.toUpperCase() ?? '?',
    logo: vouchedFor(client.logoUri),
    home: vouchedFor(client.clientUri),
    policy: vouchedFor(client.policyUri),
    terms: vouchedFor(client.tosUri),
    since: typeof client.known_since === 'number' ? new Date(client.known_since * 1000) : undefined,
    unverified,
  };
}

function unverifiedOf({ clientId, self_described: how }: Client): ClientCard['unverified'] {
  return how === undefined ? undefined : { host: how === 'document' ? URL.parse(clientId)?.host : undefined };
}

const LONGEST_NAME = 60;

/** Invisible characters can turn the words around a name into other words, and a long one can push them off the screen. */
function readableName(value: string | undefined): string | undefined {
  const name = value
    ?.replaceAll(/[\p{Cc}\p{Cf}]/gu, '')
    .replaceAll(/\s+/g, ' ')
    .trim();
  if (name === undefined || name === '') {
    return undefined;
  }
  const letters = [...name];
  return letters.length > LONGEST_NAME ? `${letters.slice(0, LONGEST_NAME).join('')}…` : name;
}

function httpsUrl(value: unknown): string | undefined {
  const url = typeof value === 'string' ? URL.parse(value) : null;
  return url?.protocol === 'https:' ? url.href : undefined;
}

/**
 * Where a person who cannot go on finds the client: where it begins a sign-in by itself (OpenID Connect Core §4), its home page, or
 * the site that it has answers sent to. Nowhere for a client that nobody vouches for.
 */
export function wayBackTo(client: Client): string | undefined {
  if (unverifiedOf(client) !== undefined) {
    return undefined;
  }
  return httpsUrl(client.initiateLoginUri) ?? httpsUrl(client.clientUri) ?? siteOf(client.redirectUris);
}

function siteOf(redirectUris: readonly string[] = []): string | undefined {
  const sites = redirectUris.map((uri) => URL.parse(uri)).filter((url) => url !== null);
  const site = sites.find(
    ({ protocol, hostname }) => protocol === 'https:' || (protocol === 'http:' && THIS_DEVICE.includes(hostname)),
  );
  return site && `${site.origin}/`;
}

const THIS_DEVICE = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Where the browser goes after the answer, in the words of someone who wants to know whether that is the right place. Of a
 * client that nobody vouches for, what is on the person's own device is told as that.
 */
export function destinationOf(redirectUri: unknown, { unverified }: Pick<ClientCard, 'unverified'>) {
  const url = typeof redirectUri === 'string' ? URL.parse(redirectUri) : null;
  if (url === null) {
    return undefined;
  }
  const isWeb = url.protocol === 'https:' || url.protocol === 'http:';
  const isLoopback = url.protocol === 'http:' && THIS_DEVICE.includes(url.hostname);
  return { place: isWeb ? url.host : url.protocol, isOnThisDevice: !isWeb || (isLoopback && unverified !== undefined) };
}
