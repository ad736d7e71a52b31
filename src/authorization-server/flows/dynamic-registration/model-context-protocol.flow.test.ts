/** The authorization of a client of the Model Context Protocol, as its own library does it: registered, or by its document. */
import {
  discoverAuthorizationServerMetadata,
  exchangeAuthorization,
  refreshAuthorization,
  registerClient,
  startAuthorization,
} from '@modelcontextprotocol/sdk/client/auth.js';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import { type DocumentHost, startDocumentHost } from '../../../testing/document-host.ts';
import { introspect } from '../../../testing/relying-party.ts';
import { UserAgent } from '../../../testing/user-agent.ts';

const MCP_SERVER = new URL('http://localhost:3333/mcp');
const MCP_SERVER_CLIENT = { clientId: 'mcp-server', secret: 'mcp-server-secret' };

let server: TestServer;
let host: DocumentHost;
beforeAll(async () => {
  [server, host] = [await startTestServer(), await startDocumentHost()];
  const scopes = ['records:read', 'records:write'].map((name) => ({ name, description: `do ${name}` }));
  await server.apply({
    resourceServers: [{ identifier: MCP_SERVER.href, name: 'MCP server', scopes }],
    clients: [
      {
        client_id: MCP_SERVER_CLIENT.clientId,
        client_secret: MCP_SERVER_CLIENT.secret,
        grant_types: [],
        resource_server: MCP_SERVER.href,
      },
    ],
  });
});
afterAll(() => Promise.all([server.stop(), host.stop()]));

async function discover() {
  const metadata = await discoverAuthorizationServerMetadata(server.issuer);
  if (metadata === undefined) {
    throw new Error('no metadata');
  }
  return metadata;
}

type Client = Parameters<typeof startAuthorization>[1]['clientInformation'];

/** From the authorization request to tokens for the MCP server, and refreshed ones after them. */
async function authorize(clientInformation: Client, redirectUrl: string, scope?: string) {
  const metadata = await discover();
  const { authorizationUrl, codeVerifier } = await startAuthorization(server.issuer, {
    metadata,
    clientInformation,
    redirectUrl,
    ...(scope !== undefined && { scope }),
    state: 'a-state',
    resource: MCP_SERVER,
  });
  const callback = await new UserAgent(server.issuer).authorize(authorizationUrl.href);
  const common = { metadata, clientInformation, resource: MCP_SERVER };
  const authorizationCode = callback.searchParams.get('code') ?? '';
  const tokens = await exchangeAuthorization(server.issuer, {
    ...common,
    authorizationCode,
    codeVerifier,
    redirectUri: redirectUrl,
  });
  const refreshToken = tokens.refresh_token ?? '';
  return { tokens, refreshed: await refreshAuthorization(server.issuer, { ...common, refreshToken }) };
}

it.each([
  ['http://localhost:3334/oauth/callback', 'records:read'],
  ['http://127.0.0.1:33418/', 'records:read'],
  ['http://127.0.0.1:33418/', undefined],
  ['https://app.example.com/callback', 'records:read records:write offline_access'],
])(
  'a client that registers with %s gets tokens for the server it wants to use, asking for %s',
  async (redirectUrl, scope) => {
    const clientInformation = await registerClient(server.issuer, {
      metadata: await discover(),
      clientMetadata: {
        client_name: 'MCP client',
        redirect_uris: [redirectUrl],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        token_endpoint_auth_method: 'none',
      },
      ...(scope !== undefined && { scope }),
    });
    const { tokens, refreshed } = await authorize(clientInformation, redirectUrl, scope);
    expect(tokens.scope?.split(' ')).toContain('records:read');
    expect(await introspect(server.issuer, refreshed.access_token, MCP_SERVER_CLIENT)).toMatchObject({
      active: true,
      aud: MCP_SERVER.href,
      client_id: clientInformation.client_id,
    });
  },
);

it('C4: a client on the device comes back at another port than it registered', async () => {
  const clientInformation = await registerClient(server.issuer, {
    metadata: await discover(),
    clientMetadata: {
      redirect_uris: ['http://127.0.0.1/callback'],
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
    },
  });
  const { refreshed } = await authorize(clientInformation, 'http://127.0.0.1:51234/callback', 'records:read');
  expect(refreshed.access_token).toBeTruthy();
});

it('a client with a secret authenticates with it', async () => {
  const redirectUrl = 'https://app.example.com/callback';
  const clientInformation = await registerClient(server.issuer, {
    metadata: await discover(),
    clientMetadata: {
      redirect_uris: [redirectUrl],
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: 'client_secret_post',
    },
  });
  expect(clientInformation.client_secret).toBeTruthy();
  expect((await authorize(clientInformation, redirectUrl, 'records:read')).refreshed.access_token).toBeTruthy();
});

it('a client with a metadata document needs no registration', async () => {
  const redirectUrl = 'http://127.0.0.1:4000/callback';
  const client_id = `${host.origin}/mcp-client.json`;
  host.serve('/mcp-client.json', {
    client_id,
    client_name: 'MCP client',
    redirect_uris: [redirectUrl, 'http://localhost:4000/callback'],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  });
  const { refreshed } = await authorize({ client_id }, redirectUrl, 'records:read');
  expect(await introspect(server.issuer, refreshed.access_token, MCP_SERVER_CLIENT)).toMatchObject({
    active: true,
    client_id,
  });
});
