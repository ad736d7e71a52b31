import type { Exchange } from '../exchange.ts';
import { credentialsIn } from '../exchange.ts';
import type { Party } from '../parties.ts';
import type { Fact } from '../run.ts';
import { type DecodedJwt, decodeJwt, factsOf } from './jwt.ts';
import type { MessageKind } from './message-kind.ts';
import { CLAIMS, HEADERS, MEMBERS, PARAMETERS } from './words.ts';

/** An exchange as a person reads it. */
export interface Explanation {
  readonly title: string;
  readonly text: string;
  readonly to: Party;
  /** What the arrow there says, and the one back. */
  readonly label: string;
  readonly answer: string | undefined;
  readonly sent: readonly Fact[];
  readonly received: readonly Fact[];
  readonly jwts: readonly ({ readonly name: string } & DecodedJwt)[];
}

export const TITLES: Readonly<Record<MessageKind, readonly [title: string, text: string]>> = {
  discovery: [
    'The client discovers the server',
    'From the issuer’s URL the client learns every endpoint and what the server can do.',
  ],
  keys: [
    'The client gets the public keys',
    'With these keys, and no others, it will check the signature of the ID token.',
  ],
  authorization: [
    'The browser asks at the authorization endpoint',
    'The browser carries the request, so everybody at the browser can read and change it: there is no secret in it. The server signs the person in, asks for consent, and remembers both.',
  ],
  callback: [
    'The browser comes back with the answer',
    'The answer travels through the browser as well. Nothing in it is believed before the client has checked whether it asked for it.',
  ],
  authorization_code: [
    'The client redeems the code',
    'From server to server, where no browser looks on. The client authenticates, shows the code and the verifier, and gets the tokens.',
  ],
  refresh_token: [
    'The client refreshes',
    'The refresh token is traded for a new access token, and for the next refresh token.',
  ],
  password: [
    'The client trades the password',
    'The client has seen the password. That is all that is wrong with this grant.',
  ],
  client_credentials: [
    'The client asks for itself',
    'Its own credentials are all that it shows. The token is the client’s, and nobody else’s.',
  ],
  device_code: [
    'The device asks whether somebody has answered',
    'authorization_pending until then: the device waits for the interval and asks again.',
  ],
  'token-exchange': ['The client exchanges the token', 'What it holds goes in, what the next service needs comes out.'],
  device: [
    'The device asks for a code',
    'Two codes come back: a short one to show, and a long one that the device keeps to itself.',
  ],
  introspection: [
    'The client asks about the token',
    'Active or not, whose, for what: the server’s word counts, and it counts now.',
  ],
  revocation: ['The client gives the token back', 'From here on nobody can use it. The answer is an empty 200.'],
  userinfo: ['The client asks who it is', 'The access token is shown, the claims of the person come back.'],
  'api-metadata': [
    'The client asks the API about itself',
    'The API names its identifier, its scopes, and the authorization servers whose tokens it takes.',
  ],
  api: [
    'The client calls the API',
    'The API looks at the token, not at who sends it, and decides whether this call is allowed.',
  ],
};

export function explainExchange(exchange: Exchange, kind: MessageKind): Explanation {
  const [title, text] = TITLES[kind];
  const answered = jsonOf(exchange.body);
  const isAboutToken = kind === 'introspection' || kind === 'userinfo' || kind === 'api';
  const received = [
    ...headersOf(exchange.response, ['www-authenticate', 'location', 'retry-after']),
    ...(answered ? factsOf(answered, isAboutToken && !('error' in answered) ? CLAIMS : MEMBERS) : []),
  ];
  return {
    title,
    text,
    to: partyOf(kind),
    label: labelOf(exchange),
    answer: answerOf(exchange, answered),
    sent: sentBy(exchange),
    received: received.map((fact) => ({ ...fact, value: shorten(fact.value) })),
    jwts: jwtsIn(answered, exchange, kind),
  };
}

function partyOf(kind: MessageKind): Party {
  if (kind === 'callback') {
    return 'client';
  }
  return kind === 'api' || kind === 'api-metadata' ? 'resource-server' : 'authorization-server';
}

const labelOf = ({ method, parts }: Exchange) => `${method} ${new URL(parts.url).pathname}`;

/** The status, and what came with it or what was wrong. */
function answerOf({ status, response }: Exchange, answered: Readonly<Record<string, unknown>> | undefined) {
  if (status === undefined) {
    return response;
  }
  const error = answered?.error;
  const came = ['access_token', 'id_token', 'refresh_token', 'user_code', 'active'].filter(
    (name) => answered?.[name] !== undefined,
  );
  const words =
    typeof error === 'string'
      ? error
      : came.map((name) => (name === 'active' ? `active: ${answered?.active}` : name)).join(', ');
  return `${status} ${words}`.trim();
}

function sentBy({ parts }: Exchange): Fact[] {
  const { searchParams } = new URL(parts.url);
  const form = jsonOf(parts.body) === undefined ? new URLSearchParams(parts.body) : new URLSearchParams();
  const credentials = credentialsIn(parts.headers.authorization ?? '');
  return [
    ...(parts.headers.authorization
      ? [
          {
            name: 'authorization',
            value: credentials === undefined ? parts.headers.authorization : `Basic ${credentials}`,
            meaning: HEADERS.authorization ?? '',
          },
        ]
      : []),
    ...factsOf(Object.fromEntries([...searchParams, ...form]), PARAMETERS),
  ];
}

function headersOf(response: string | undefined, names: readonly string[]): Fact[] {
  const head = response?.split('\n\n')[0]?.split('\n').slice(1) ?? [];
  return head.flatMap((line) => {
    const [name = '', ...value] = line.split(': ');
    return names.includes(name.toLowerCase())
      ? [{ name: name.toLowerCase(), value: value.join(': '), meaning: HEADERS[name.toLowerCase()] ?? '' }]
      : [];
  });
}

/** Of a token endpoint the ID token, and the access token where it is a JWT; of a browser's answer what its query holds. */
function jwtsIn(answered: Readonly<Record<string, unknown>> | undefined, { parts }: Exchange, kind: MessageKind) {
  const source = kind === 'callback' ? Object.fromEntries(new URL(parts.url).searchParams) : (answered ?? {});
  return ['id_token', 'access_token'].flatMap((name) => {
    const decoded = typeof source[name] === 'string' ? decodeJwt(source[name]) : undefined;
    return decoded ? [{ name, ...decoded }] : [];
  });
}

const LONGEST_VALUE = 400;

const shorten = (value: string) => (value.length > LONGEST_VALUE ? `${value.slice(0, LONGEST_VALUE)}…` : value);

function jsonOf(text: string | undefined): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
