/**
 * The authorization servers that the operator lets this playground talk to. A browser chooses among them and
 * cannot add one: what this process sends requests to is never said by a page.
 */

/** What a client is to the playground; each flow names the one that it is played by. */
export const CLIENT_ROLES = ['web', 'spa', 'implicit', 'password', 'machine', 'device', 'shortLived'] as const;
export type ClientRole = (typeof CLIENT_ROLES)[number];

/** Nobody signs in to these. */
const ROLES_OF_MACHINES: ReadonlySet<string> = new Set<ClientRole>(['machine', 'shortLived']);

export interface Client {
  readonly clientId: string;
  readonly clientSecret?: string;
  /** What the forms ask for at first. */
  readonly scope: string;
}

export interface Issuer {
  readonly issuer: string;
  readonly title: string;
  readonly clients: Readonly<Partial<Record<ClientRole, Client>>>;
  readonly api: Api | undefined;
  /** The demo directory's: its secrets and its password are public, so they are shown. Those of others are kept back. */
  readonly isDemo: boolean;
}

/** What is called with a token. `records` only where it is the demo API, which has them. */
export interface Api {
  readonly url: string;
  readonly records?: string;
}

const IDENTITY = 'openid profile email';
const RECORDS = 'records:read records:write';

/** The clients of config/demo.yaml. */
const DEMO_CLIENTS: Issuer['clients'] = {
  web: { clientId: 'demo-web', clientSecret: 'demo-web-secret', scope: `${IDENTITY} ${RECORDS}` },
  spa: { clientId: 'demo-spa', scope: `${IDENTITY} ${RECORDS}` },
  implicit: { clientId: 'demo-implicit', scope: `${IDENTITY} ${RECORDS}` },
  password: { clientId: 'demo-password', clientSecret: 'demo-password-secret', scope: RECORDS },
  machine: { clientId: 'demo-machine', clientSecret: 'demo-machine-secret', scope: RECORDS },
  shortLived: { clientId: 'demo-short-lived', clientSecret: 'demo-short-lived-secret', scope: 'records:read' },
  device: { clientId: 'demo-device', scope: `${IDENTITY} ${RECORDS}` },
};

export function demoIssuer(issuer: string, resourceApi: string): Issuer {
  return {
    issuer,
    title: 'Concierge, with the demo directory',
    clients: DEMO_CLIENTS,
    api: { url: `${resourceApi}/whoami`, records: `${resourceApi}/records` },
    isDemo: true,
  };
}

/** Somebody else's server, with the clients that are registered there for this playground. */
export function otherIssuer(given: {
  readonly issuer: string;
  readonly title?: string | undefined;
  readonly api?: string | undefined;
  readonly clients: Readonly<
    Partial<Record<ClientRole, { clientId: string; clientSecret?: string | undefined; scope?: string | undefined }>>
  >;
}): Issuer {
  const clients = Object.entries(given.clients).map(([role, { clientId, clientSecret, scope }]) => [
    role,
    { clientId, ...(clientSecret && { clientSecret }), scope: scope ?? (ROLES_OF_MACHINES.has(role) ? '' : IDENTITY) },
  ]);
  return {
    issuer: given.issuer,
    title: given.title ?? new URL(given.issuer).host,
    clients: Object.fromEntries(clients),
    api: given.api === undefined ? undefined : { url: given.api },
    isDemo: false,
  };
}

/** Everything that a page shows is read by whoever looks over a shoulder: what is not public is not in it. */
export const secretsOf = ({ clients, isDemo }: Issuer): string[] =>
  isDemo ? [] : Object.values(clients).flatMap(({ clientSecret }) => clientSecret ?? []);

/** `http:` is for this machine only; anything further away must be `https:`. */
export function isPlainLoopback(issuer: string): boolean {
  const { protocol, hostname } = new URL(issuer);
  return protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
}
