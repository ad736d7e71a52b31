/** A token of each kind that a resource server may be shown, of a person, a machine, a script and an app nobody registered. */
import { randomUUID } from 'node:crypto';
import { visitorOf } from './account-console.ts';
import type { TestServer } from './authorization-server.ts';
import type { DocumentHost } from './document-host.ts';
import { createProver } from './dpop.ts';
import {
  createRelyingParty,
  DEMO_MACHINE,
  DEMO_PASSWORD_CLIENT,
  DEMO_WEB,
  type Parameters,
  revoke,
  type TestClient,
  tokensOf,
} from './relying-party.ts';
import { createClientKey } from './request-object.ts';
import { DEMO_PASSWORD, UserAgent } from './user-agent.ts';

/** The default resource server, whose tokens are opaque, */
export const API = 'http://localhost:3001';
/** and one whose tokens are JWTs. */
export const LEDGER = 'https://ledger.example/api';
export const LEDGER_API = { clientId: 'ledger-api', secret: 'ledger-api-secret' };
const GATEWAY = { clientId: 'gateway', secret: 'gateway-secret' };
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const REDIRECT_URI = 'http://127.0.0.1:7777/callback';

const describedBy = ({ origin }: DocumentHost, path = '/app.json') => origin + path;
/** As long as the id of a client may be. */
const LONG_PATH = `/${'a'.repeat(2000)}/app.json`;

export async function prepareDirectory(server: TestServer, host: DocumentHost): Promise<void> {
  const scopes = ['records:read', 'ledger:post'].map((name) => ({ name, description: `use ${name}` }));
  const token_exchange = {
    subject_clients: ['demo-web', 'demo-machine', describedBy(host)],
    audiences: [API, LEDGER],
    delegation: 'optional',
  };
  await server.apply({
    resourceServers: [{ identifier: LEDGER, name: 'Ledger', accessTokenFormat: 'jwt', scopes, claims: ['roles'] }],
    clients: [
      { client_id: LEDGER_API.clientId, client_secret: LEDGER_API.secret, grant_types: [], resource_server: LEDGER },
      {
        client_id: GATEWAY.clientId,
        client_secret: GATEWAY.secret,
        grant_types: [EXCHANGE, 'client_credentials'],
        scope: 'records:read records:write',
        resource_server: API,
        token_exchange,
      },
    ],
  });
}

export async function issueTokens(server: TestServer, host: DocumentHost): Promise<Record<string, string>> {
  const web = createRelyingParty(server.issuer, DEMO_WEB);
  const ask = (client: TestClient, parameters: Parameters) =>
    createRelyingParty(server.issuer, client).requestToken(parameters).then(tokensOf);
  const browser = new UserAgent(server.issuer);
  const ofPerson = (parameters: Parameters) => web.obtainTokens(parameters, undefined, browser);
  const exchange = async (subject_token: string, more: Parameters = {}) => {
    const subject = { subject_token, subject_token_type: ACCESS_TOKEN };
    return (await ask(GATEWAY, { grant_type: EXCHANGE, ...subject, ...more })).access_token;
  };
  const password = { grant_type: 'password', username: 'alice@example.com', password: DEMO_PASSWORD };
  const person = await ofPerson({ scope: 'openid profile records:read records:write' });
  const machine = (await ask(DEMO_MACHINE, { grant_type: 'client_credentials' })).access_token;
  const actor = (await ask(GATEWAY, { grant_type: 'client_credentials', scope: 'records:read' })).access_token;
  const described = await ofDescribedClient(server, host);
  const tokens = {
    person: person.access_token,
    machine,
    'of a password': (await ask(DEMO_PASSWORD_CLIENT, { ...password, scope: 'records:read email' })).access_token,
    'for userinfo alone': (await ofPerson({ scope: 'openid email' })).access_token,
    'for the API alone': (await ofPerson({ scope: 'records:read', resource: API })).access_token,
    'as a JWT': (await ofPerson({ scope: 'records:read', resource: LEDGER })).access_token,
    'bound to a key': await boundToken(server),
    'made by a person': await personalToken(server),
    'of a described client': described,
    'of one with a long name': await ofDescribedClient(server, host, LONG_PATH),
    'exchanged for the API': await exchange(person.access_token, { scope: 'records:read' }),
    'exchanged for a JWT': await exchange(person.access_token, { resource: LEDGER }),
    'exchanged for an actor': await exchange(person.access_token, {
      actor_token: actor,
      actor_token_type: ACCESS_TOKEN,
    }),
    'of a machine, exchanged': await exchange(machine, { scope: 'records:read' }),
    'of a described client, exchanged': await exchange(described, { scope: 'records:read' }),
    revoked: (await ofPerson({ scope: 'records:read' })).access_token,
    'a refresh token': person.refresh_token,
    'an ID token': person.id_token,
    nonsense: 'nonsense',
    'nonsense with dots': 'a.b.c',
  };
  await revoke(server.issuer, tokens.revoked, DEMO_WEB);
  return tokens;
}

async function boundToken(server: TestServer): Promise<string> {
  const proof = await createClientKey();
  const request = { grant_type: 'client_credentials' };
  return tokensOf(await createProver(server).requestToken(request, { client: DEMO_MACHINE, proof })).access_token;
}

async function personalToken(server: TestServer): Promise<string> {
  const date = new Date(Date.now() + 30 * 86_400_000).toISOString().slice(0, 10);
  const fields = { id: randomUUID(), for: API, name: 'Backup', 'scope.records:read': 'on', date };
  const { html } = await (await visitorOf(server)).post('/account/tokens/new', fields);
  return html.match(/data-testid="token-value">([^<]*)/)?.[1] ?? '';
}

async function ofDescribedClient(server: TestServer, host: DocumentHost, path = '/app.json'): Promise<string> {
  const clientId = host.serve(path, {
    client_id: describedBy(host, path),
    client_name: 'A described app',
    redirect_uris: [REDIRECT_URI],
    grant_types: ['authorization_code'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  });
  const party = createRelyingParty(server.issuer, { clientId, redirectUri: REDIRECT_URI });
  return (await party.obtainTokens({ scope: 'openid records:read' })).access_token;
}
