/**
 * For the developer of an app, next to the words for the person: what the app sent, what is registered for it, and what to
 * change. All of it is text that strangers chose, and only for eyes that may see what is registered (error-reader.ts).
 */
import { type AddressProblem, addressProblem, type Difference, differenceOf, nearest } from './compare-addresses.ts';

export interface RegisteredClient {
  readonly clientId: string;
  readonly redirectUris: readonly string[];
  /** Some differ from a registered one and are as good: the ports of an app on somebody's own device (RFC 8252 §7.3). */
  readonly allowsRedirectTo: (redirectUri: string) => boolean;
  readonly responseTypes: readonly string[];
  /** `undefined`: any. */
  readonly scopes: readonly string[] | undefined;
  readonly isPublic: boolean;
}

export interface Finding {
  readonly parameter: string;
  /** `undefined` where it was not sent, or is not to be seen. */
  readonly received: string | undefined;
  readonly registered: readonly string[];
  /** `undefined`: as it should be. A message below `error.finding`. */
  readonly problem: { readonly message: string; readonly values: Readonly<Record<string, string>> } | undefined;
  readonly difference?: Difference | undefined;
}

export interface Diagnosis {
  readonly findings: readonly Finding[];
  /** For the directory of `concierge apply`; `undefined` where the registration is not what is wrong. */
  readonly fix: string | undefined;
}

/** As it came in the query; a parameter that was sent twice has a list. */
export type Received = Readonly<Record<string, string | readonly string[] | undefined>>;

/** What the authorization endpoint knows (RFC 6749, OpenID Connect Core, and the extensions of docs/standards.md). */
const KNOWN = `client_id response_type response_mode redirect_uri scope state nonce display prompt max_age ui_locales
  claims_locales id_token_hint login_hint acr_values claims registration request request_uri code_challenge
  code_challenge_method resource authorization_details dpop_jkt`.split(/\s+/);

const SECRETS: readonly string[] = ['client_secret', 'password', 'client_assertion', 'access_token', 'refresh_token'];

const LONGEST_SHOWN = 500;
/** A stranger may send as many parameters as an address has room for. */
const MOST_SHOWN = 10;

/** `client` is absent where the client is not known. */
export function diagnose(received: Received, client: RegisteredClient | undefined): Diagnosis {
  const text = (name: string) => textOf(received[name]);
  if (client === undefined) {
    const clientId = text('client_id');
    const message = clientId === undefined ? 'missing' : 'unknown-client';
    return {
      findings: [{ parameter: 'client_id', received: clientId, registered: [], problem: { message, values: {} } }],
      fix: undefined,
    };
  }
  const findings = [
    redirectFinding(text('redirect_uri'), client),
    responseTypeFinding(text('response_type'), client),
    scopeFinding(text('scope'), client),
    challengeFinding(received, client),
  ].filter((finding) => finding !== undefined);
  return {
    findings: [...findings, ...repeated(received), ...strangers(received)],
    fix: fixOf(findings, client),
  };
}

function redirectFinding(received: string | undefined, client: RegisteredClient): Finding {
  const { redirectUris: registered } = client;
  const parameter = 'redirect_uri';
  if (received === undefined) {
    const problem = registered.length === 1 ? undefined : { message: 'missing', values: {} };
    return { parameter, received, registered, problem };
  }
  const meant = nearest(received, registered);
  if (client.allowsRedirectTo(received) || meant === undefined) {
    const problem = meant === undefined ? { message: 'none-registered', values: {} } : undefined;
    return { parameter, received, registered, problem };
  }
  const kind: AddressProblem = addressProblem(received, meant);
  const difference = kind === 'other' || kind === 'no-address' ? undefined : differenceOf(received, meant);
  return { parameter, received, registered, problem: { message: `redirect-${kind}`, values: { meant } }, difference };
}

function responseTypeFinding(received: string | undefined, { responseTypes: registered }: RegisteredClient): Finding {
  const sorted = (value: string) => value.split(' ').sort().join(' ');
  const isRegistered = received !== undefined && registered.map(sorted).includes(sorted(received));
  const message = received === undefined ? 'missing' : 'not-registered';
  return {
    parameter: 'response_type',
    received,
    registered,
    problem: isRegistered ? undefined : { message, values: {} },
  };
}

function scopeFinding(received: string | undefined, { scopes }: RegisteredClient): Finding | undefined {
  if (received === undefined || scopes === undefined) {
    return undefined;
  }
  const refused = received.split(' ').filter((scope) => scope !== '' && !scopes.includes(scope));
  const problem = refused.length === 0 ? undefined : { message: 'scopes', values: { scopes: refused.join(' ') } };
  return { parameter: 'scope', received, registered: [scopes.join(' ')], problem };
}

/** RFC 7636; a public client has nothing else to show that a code is its own (RFC 9700 §2.1.1). */
function challengeFinding(received: Received, { isPublic }: RegisteredClient): Finding | undefined {
  const usesCode = textOf(received.response_type)?.split(' ').includes('code');
  const challenge = textOf(received.code_challenge);
  const method = textOf(received.code_challenge_method);
  if (challenge === undefined) {
    return usesCode && isPublic
      ? {
          parameter: 'code_challenge',
          received: undefined,
          registered: [],
          problem: { message: 'challenge', values: {} },
        }
      : undefined;
  }
  return method === 'S256'
    ? undefined
    : {
        parameter: 'code_challenge_method',
        received: method,
        registered: ['S256'],
        problem: { message: 'challenge-method', values: {} },
      };
}

function repeated(received: Received): Finding[] {
  return Object.entries(received)
    .filter(([name, value]) => Array.isArray(value) && name !== 'resource')
    .slice(0, MOST_SHOWN)
    .map(([parameter]) => unseen(parameter, 'repeated'));
}

/** Their values are not shown: what somebody took for a parameter may be a secret. */
function strangers(received: Received): Finding[] {
  return Object.keys(received)
    .filter((name) => !KNOWN.includes(name))
    .slice(0, MOST_SHOWN)
    .map((name) => {
      if (SECRETS.includes(name)) {
        return unseen(name, 'secret');
      }
      const meant = KNOWN.find((known) => isMisspelled(name, known));
      return meant === undefined ? unseen(name, 'unknown') : unseen(name, 'misspelled', { meant });
    });
}

const unseen = (parameter: string, message: string, values: Record<string, string> = {}): Finding => ({
  parameter: parameter.slice(0, LONGEST_SHOWN),
  received: undefined,
  registered: [],
  problem: { message, values },
});

/** Another case, other separators, or one letter too many, too few or wrong, or two in the wrong order. */
function isMisspelled(name: string, known: string): boolean {
  const plain = (text: string) => text.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
  const [one, other] = [plain(name), plain(known)];
  if (one === other) {
    return true;
  }
  const { received, registered } = differenceOf(one, other);
  const isSwapped = received.length === 2 && received === [...registered].reverse().join('');
  return other.length > 4 && (isSwapped || Math.max(received.length, registered.length) <= 1);
}

function fixOf(findings: readonly Finding[], client: RegisteredClient): string | undefined {
  const wrong = (parameter: string) =>
    findings.find((finding) => finding.parameter === parameter && finding.problem !== undefined)?.received;
  const address = wrong('redirect_uri');
  const mayBeRegistered = address !== undefined && /^https?:\/\/[^#]*$/.test(address);
  const scopes = wrong('scope')?.split(' ') ?? [];
  const responseType = wrong('response_type');
  const lines = [
    ...(mayBeRegistered ? [line('redirect_uris', [...client.redirectUris, address])] : []),
    ...(responseType === undefined ? [] : [line('response_types', [...client.responseTypes, responseType])]),
    ...(scopes.length === 0
      ? []
      : [`    scope: ${JSON.stringify([...new Set([...(client.scopes ?? []), ...scopes])].join(' '))}`]),
  ];
  return lines.length === 0
    ? undefined
    : ['clients:', `  - client_id: ${JSON.stringify(client.clientId)}`, ...lines].join('\n');
}

/** YAML takes every JSON text. */
const line = (name: string, values: readonly string[]) =>
  `    ${name}: [${values.map((one) => JSON.stringify(one)).join(', ')}]`;

function textOf(value: Received[string]): string | undefined {
  const text = typeof value === 'string' ? value : value?.join(' ');
  return text === undefined || text === '' ? undefined : text.slice(0, LONGEST_SHOWN);
}
