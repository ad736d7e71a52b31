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
}

/** Name, logo and home page are the client's own words: only https reaches a page, and every value is escaped there. */
export function clientCard(client: Client): ClientCard {
  const name = client.clientName?.trim() || client.clientId;
  return {
    name,
    initial: [...name][0]?.toUpperCase() ?? '?',
    logo: httpsUrl(client.logoUri),
    home: httpsUrl(client.clientUri),
  };
}

function httpsUrl(value: unknown): string | undefined {
  const url = typeof value === 'string' ? URL.parse(value) : null;
  return url?.protocol === 'https:' ? url.href : undefined;
}

/** Where the browser goes after the answer, in the words of someone who wants to know whether that is the right place. */
export function destinationOf(redirectUri: unknown): string | undefined {
  const url = typeof redirectUri === 'string' ? URL.parse(redirectUri) : null;
  if (url === null) {
    return undefined;
  }
  return url.protocol === 'https:' || url.protocol === 'http:' ? url.host : `an app on this device (${url.protocol})`;
}
