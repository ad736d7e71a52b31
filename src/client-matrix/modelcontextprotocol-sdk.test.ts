/**
 * @modelcontextprotocol/sdk 1: its client finds its way from the URL of an MCP server to a tool call by itself. The server is
 * the sdk's, in Express, and our guard stands before it; the authorization server has the profile that is made for this.
 */
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setDefaultCACertificates } from 'node:tls';
import type { OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js';
import { ClientCredentialsProvider } from '@modelcontextprotocol/sdk/client/auth-extensions.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { OAuthClientInformationMixed, OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import express from 'express';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { AccessToken } from '../resource-server/guard/access-token.ts';
import { createGuard, type Guard, tokenOf } from '../resource-server/guard/guard.ts';
import { startApplication } from '../testing/application.ts';
import { startTestServer, type TestServer } from '../testing/authorization-server.ts';
import { createAuthority } from '../testing/certificates.ts';
import { createRelyingParty, DEMO_MACHINE, revoke, tokensOf } from '../testing/relying-party.ts';
import { UserAgent } from '../testing/user-agent.ts';

const MCP_CLIENT = { clientId: 'mcp-server', clientSecret: 'mcp-server-secret' };
const AGENT = { client_id: 'agent', client_secret: 'agent-secret' };
const REDIRECT_URI = 'http://localhost:6274/callback';
const SCOPE = 'tools:call';

let server: TestServer;
let application: Awaited<ReturnType<typeof startApplication>>;
let guard: Guard;
let resource: string;
beforeAll(async () => {
  server = await startTestServer({ config: (config) => ({ ...config, profile: 'mcp' }) });
  application = await startApplication(createMcpApplication);
  resource = `${application.url}/mcp`;
  await server.apply({
    resourceServers: [
      {
        identifier: resource,
        name: 'Tools',
        scopes: [{ name: SCOPE, description: 'use tools for you' }],
        claims: ['username'],
      },
    ],
    roles: [{ name: 'toolmaker', scopes: [SCOPE] }],
    clients: [
      {
        client_id: MCP_CLIENT.clientId,
        client_secret: MCP_CLIENT.clientSecret,
        grant_types: [],
        resource_server: resource,
      },
      { ...AGENT, grant_types: ['client_credentials'], scope: SCOPE },
    ],
    accounts: [{ email: 'alice@example.com', name: 'Alice Archer', roles: ['toolmaker'] }],
  });
});
afterAll(async () => {
  application.stop();
  await guard.close();
  await server.stop();
});

function createMcpApplication(url: string) {
  guard = createGuard({ issuer: server.issuer, audience: `${url}/mcp`, ...MCP_CLIENT });
  const app = express();
  app.use(guard.metadata);
  app.all('/mcp', guard.require(SCOPE), async (request, response) => {
    const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true });
    await createMcpServer(tokenOf(request)).connect(transport as Transport);
    await transport.handleRequest(request, response);
  });
  return app;
}

function createMcpServer(accessToken: AccessToken): McpServer {
  const mcp = new McpServer({ name: 'tools', version: '1.0.0' });
  mcp.registerTool('greet', {}, () => ({
    content: [{ type: 'text', text: `Good evening, ${accessToken.username ?? accessToken.clientId}!` }],
  }));
  return mcp;
}

/** An MCP client as an application keeps one: what the sdk wants remembered is remembered. */
class Remembering implements OAuthClientProvider {
  readonly redirectUrl = REDIRECT_URI;
  readonly clientMetadata = {
    client_name: 'MCP Inspector',
    redirect_uris: [REDIRECT_URI],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  };
  information: OAuthClientInformationMixed | undefined;
  saved: OAuthTokens | undefined;
  request: URL | undefined;
  #verifier = '';

  clientInformation = () => this.information;
  saveClientInformation = (information: OAuthClientInformationMixed) => {
    this.information = information;
  };
  tokens = () => this.saved;
  saveTokens = (tokens: OAuthTokens) => {
    this.saved = tokens;
  };
  redirectToAuthorization = (request: URL) => {
    this.request = request;
  };
  saveCodeVerifier = (verifier: string) => {
    this.#verifier = verifier;
  };
  codeVerifier = () => this.#verifier;
  invalidateCredentials = () => {
    this.saved = undefined;
  };
}

/** At an https address of this machine that is trusted from then on: the sdk accepts no other. */
async function hostDocument(metadata: object) {
  const authority = await createAuthority('Tests');
  const names = [{ type: 'dns', value: 'localhost' }] as const;
  const { cert, key } = await authority.issue({ subject: 'CN=localhost', names });
  setDefaultCACertificates([authority.cert]);
  const host = createServer({ cert, key }, (_request, response) => {
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ ...metadata, client_id: url }));
  });
  host.listen(0, 'localhost');
  await once(host, 'listening');
  const url = `https://localhost:${(host.address() as AddressInfo).port}/client.json`;
  return { url, stop: () => host.close() };
}

let provider: Remembering;
const clients: Client[] = [];
beforeEach(() => {
  provider = new Remembering();
});
afterEach(() => Promise.all(clients.splice(0).map((client) => client.close())));

const createTransport = (authProvider: OAuthClientProvider = provider) =>
  new StreamableHTTPClientTransport(new URL(resource), { authProvider });

async function connect(authProvider?: OAuthClientProvider): Promise<Client> {
  const client = new Client({ name: 'a-client', version: '1.0.0' });
  clients.push(client);
  await client.connect(createTransport(authProvider) as Transport);
  return client;
}

/** From nothing but the server's URL. */
async function connectFromScratch(): Promise<Client> {
  await expect(connect()).rejects.toThrow('Unauthorized');
  const callback = await new UserAgent(server.issuer).authorize(String(provider.request));
  await createTransport().finishAuth(callback.searchParams.get('code') ?? '');
  return connect();
}

const greeting = (client: Client) => client.callTool({ name: 'greet' });

describe('the client of the Model Context Protocol', () => {
  it('registers, gets a token for the server that it was given, and calls a tool', async () => {
    const client = await connectFromScratch();
    expect(provider.request?.searchParams.get('resource')).toBe(resource);
    expect(provider.request?.searchParams.get('code_challenge_method')).toBe('S256');
    expect(provider.saved).toMatchObject({ scope: SCOPE, refresh_token: expect.any(String) });
    expect(await greeting(client)).toMatchObject({ content: [{ text: 'Good evening, alice@example.com!' }] });
  });

  it('refreshes when its access token was revoked, and is asked to sign in again when its refresh token was', async () => {
    const client = await connectFromScratch();
    const party = { clientId: provider.information?.client_id ?? '' };
    const first = provider.saved;
    await revoke(server.issuer, first?.access_token ?? '', party);
    // The guard hears of a revocation a moment later.
    const refreshed = async () => 'content' in (await greeting(client)) && provider.saved?.access_token;
    await expect.poll(refreshed).not.toBe(first?.access_token);

    await revoke(server.issuer, provider.saved?.refresh_token ?? '', party);
    provider.request = undefined;
    await expect.poll(() => greeting(client).catch(String)).toContain('Unauthorized');
    expect(provider.request).toBeInstanceOf(URL);
  });

  it('describes itself by a document, and registers nothing', async () => {
    const host = await hostDocument(provider.clientMetadata);
    provider = Object.assign(new Remembering(), { clientMetadataUrl: host.url });
    const client = await connectFromScratch();
    expect(provider.request?.searchParams.get('client_id')).toBe(host.url);
    expect(await greeting(client)).toHaveProperty('content');
    host.stop();
  });

  it('acts for itself, without a person', async () => {
    const authProvider = new ClientCredentialsProvider({
      clientId: AGENT.client_id,
      clientSecret: AGENT.client_secret,
      expectedIssuer: server.issuer,
      scope: SCOPE,
    });
    const client = await connect(authProvider);
    expect(await greeting(client)).toMatchObject({ content: [{ text: 'Good evening, agent!' }] });
  });

  it('is told where tokens come from, and refused with one for another server', async () => {
    const call = (headers: Record<string, string>) => fetch(resource, { method: 'POST', headers });
    const asked = await call({});
    expect(asked.status).toBe(401);
    const metadata = `resource_metadata="${application.url}/.well-known/oauth-protected-resource/mcp"`;
    expect(asked.headers.get('www-authenticate')).toMatch(`Bearer ${metadata}, DPoP algs=`);
    const machine = createRelyingParty(server.issuer, DEMO_MACHINE);
    const { access_token } = tokensOf(await machine.requestToken({ grant_type: 'client_credentials' }));
    const refused = await call({ authorization: `Bearer ${access_token}` });
    expect(refused.status).toBe(401);
    expect(refused.headers.get('www-authenticate')).toContain('error="invalid_token", ');
  });
});
