/** The grants that the playground walks through, each with the demo client that is registered for it. */

export const GRANT_NAMES = [
  'authorization-code',
  'spa',
  'implicit-token',
  'implicit-id-token',
  'implicit-id-token-token',
  'password',
  'client-credentials',
  'device',
] as const;
export type GrantName = (typeof GRANT_NAMES)[number];

export interface Grant {
  readonly title: string;
  readonly summary: string;
  readonly standard: string;
  readonly clientId: string;
  readonly clientSecret?: string;
  readonly scope: string;
  /** Only the grants that travel through the browser have a response type and a redirect path. */
  readonly responseType?: string;
  readonly redirectPath?: string;
  /** Discouraged by RFC 9700: it works, and the page says so. */
  readonly legacy?: true;
}

const RECORDS = 'records:read records:write';
const IDENTITY = 'openid profile email';

const implicit = { clientId: 'demo-implicit', redirectPath: '/implicit/callback', legacy: true } as const;

export const GRANTS: Readonly<Record<GrantName, Grant>> = {
  'authorization-code': {
    title: 'Authorization code',
    summary: 'A web application with a server of its own. The code is redeemed there; the browser never sees a token.',
    standard: 'RFC 6749 §4.1, PKCE',
    clientId: 'demo-web',
    clientSecret: 'demo-web-secret',
    scope: `${IDENTITY} ${RECORDS}`,
    responseType: 'code',
    redirectPath: '/callback',
  },
  spa: {
    title: 'Authorization code, in the browser',
    summary: 'A single-page application without a secret. PKCE proves that the one who asked is the one who redeems.',
    standard: 'RFC 6749 §4.1, RFC 7636',
    clientId: 'demo-spa',
    scope: `${IDENTITY} ${RECORDS}`,
    responseType: 'code',
    redirectPath: '/spa/callback',
  },
  'implicit-token': {
    ...implicit,
    title: 'Implicit: access token',
    summary: 'Plain OAuth 2.0: the access token arrives in the fragment.',
    standard: 'RFC 6749 §4.2',
    scope: RECORDS,
    responseType: 'token',
  },
  'implicit-id-token': {
    ...implicit,
    title: 'Implicit: ID token',
    summary: 'Who signed in, and nothing else: no access token.',
    standard: 'OpenID Connect Core §3.2',
    scope: IDENTITY,
    responseType: 'id_token',
  },
  'implicit-id-token-token': {
    ...implicit,
    title: 'Implicit: both tokens',
    summary: 'ID token and access token in the fragment, bound to each other by at_hash.',
    standard: 'OpenID Connect Core §3.2',
    scope: `${IDENTITY} ${RECORDS}`,
    responseType: 'id_token token',
  },
  password: {
    title: 'Password',
    summary: 'The client itself takes the password and trades it for tokens.',
    standard: 'RFC 6749 §4.3',
    clientId: 'demo-password',
    clientSecret: 'demo-password-secret',
    scope: RECORDS,
    legacy: true,
  },
  'client-credentials': {
    title: 'Client credentials',
    summary: 'A machine on its own behalf. Nobody signs in, and there is no account behind the token.',
    standard: 'RFC 6749 §4.4',
    clientId: 'demo-machine',
    clientSecret: 'demo-machine-secret',
    scope: RECORDS,
  },
  device: {
    title: 'Device',
    summary: 'A television without a keyboard shows a code, which someone confirms on their phone.',
    standard: 'RFC 8628',
    clientId: 'demo-device',
    scope: `${IDENTITY} ${RECORDS}`,
  },
};
