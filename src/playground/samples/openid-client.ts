import type { Exchange } from '../exchange.ts';
import type { MessageKind } from '../explain/message-kind.ts';
import type { Client, Issuer } from '../issuers.ts';

interface Subject {
  readonly issuer: Issuer;
  readonly client: Client;
  readonly exchange: Exchange;
}

/** The same step as about ten lines with the library that the playground itself uses. */
export function openidClientOf(kind: MessageKind, { issuer, client, exchange }: Subject): string {
  const parameters = Object.fromEntries([
    ...new URL(exchange.parts.url).searchParams,
    ...new URLSearchParams(exchange.parts.body.startsWith('{') ? '' : exchange.parts.body),
  ]);
  return `${headOf(kind, issuer, client)}\n${BODIES[kind](parameters, exchange)}`;
}

const literal = (value: unknown) =>
  `'${String(value ?? '')
    .replaceAll('\\', '\\\\')
    .replaceAll("'", "\\'")
    .replaceAll('\n', '\\n')}'`;

function headOf(kind: MessageKind, { issuer }: Issuer, { clientId, clientSecret }: Client): string {
  if (kind === 'api' || kind === 'api-metadata' || kind === 'callback') {
    return '';
  }
  const secret = clientSecret === undefined ? 'undefined, client.None()' : 'process.env.CLIENT_SECRET';
  const insecure = issuer.startsWith('http:')
    ? `,\n  ${clientSecret === undefined ? '' : 'undefined, '}{ execute: [client.allowInsecureRequests] }, // plain http: this machine only\n`
    : '';
  return `import * as client from 'openid-client';

const config = await client.discovery(
  new URL(${literal(issuer)}), ${literal(clientId)}, ${secret}${insecure});
`;
}

type Body = (parameters: Readonly<Record<string, string>>, exchange: Exchange) => string;

const generic: Body = ({
  grant_type,
  client_id,
  client_secret,
  ...rest
}) => `const tokens = await client.genericGrantRequest(config,
  ${literal(grant_type)}, {
${Object.entries(rest)
  .map(([name, value]) => `    ${name}: ${name === 'password' ? 'process.env.PASSWORD' : literal(value)},`)
  .join('\n')}
  });`;

const BODIES: Readonly<Record<MessageKind, Body>> = {
  discovery: () => 'console.log(config.serverMetadata());',
  keys: () => 'client.enableNonRepudiationChecks(config); // fetches the keys, and checks every signature with them',
  authorization: ({ redirect_uri, scope, response_type }) => `const codeVerifier = client.randomPKCECodeVerifier();
const [state, nonce] = [client.randomState(), client.randomNonce()]; // keep all three in the session
const url = client.buildAuthorizationUrl(config, {
  response_type: ${literal(response_type)}, redirect_uri: ${literal(redirect_uri)},
  scope: ${literal(scope)}, state, nonce,
  code_challenge: await client.calculatePKCECodeChallenge(codeVerifier),
  code_challenge_method: 'S256',
});
// send the browser to url.href`,
  callback: () => `// In your route for the redirect URI: the query is not read by hand. openid-client compares
// state and iss when the code is redeemed, and throws before it sends anything.
const callbackUrl = new URL(request.url, 'https://your.app');`,
  authorization_code: () => `const tokens = await client.authorizationCodeGrant(config, callbackUrl, {
  expectedState: state,
  expectedNonce: nonce,
  pkceCodeVerifier: codeVerifier,
  idTokenExpected: true,
});
console.log(tokens.access_token, tokens.claims());`,
  refresh_token: () =>
    'const next = await client.refreshTokenGrant(config, tokens.refresh_token);\nsave(next.refresh_token ?? tokens.refresh_token); // rotated: the old one is used up',
  password: generic,
  client_credentials: ({ scope }) =>
    `const tokens = await client.clientCredentialsGrant(config, { scope: ${literal(scope)} });`,
  device: ({ scope }) => `const device = await client.initiateDeviceAuthorization(config, { scope: ${literal(scope)} });
console.log(\`Open \${device.verification_uri} and type \${device.user_code}\`);
const tokens = await client.pollDeviceAuthorizationGrant(config, device);`,
  device_code: () =>
    '// waits for the interval, and five seconds longer after slow_down\nconst tokens = await client.pollDeviceAuthorizationGrant(config, device);',
  'token-exchange': generic,
  introspection: () =>
    "const about = await client.tokenIntrospection(config, token);\nif (!about.active) throw new Error('not a token that works');",
  revocation: () => 'await client.tokenRevocation(config, tokens.access_token);',
  userinfo: () => `const person = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);`,
  'api-metadata': (_parameters, { parts }) =>
    `const about = await (await fetch(${literal(parts.url)})).json();\nconsole.log(about.authorization_servers);`,
  api: (_parameters, { method, parts }) => `// any HTTP client will do
const answer = await fetch(${literal(parts.url)}, {
  method: ${literal(method)},
  headers: { authorization: \`Bearer \${tokens.access_token}\` },${parts.body ? `\n  body: ${literal(parts.body)},` : ''}
});
if (answer.status === 401) console.log(answer.headers.get('www-authenticate')); // refresh, or start again`,
};
