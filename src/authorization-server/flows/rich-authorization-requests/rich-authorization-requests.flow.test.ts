/** Rich authorization requests (RFC 9396) over HTTP, from the request to the resource server. */
import { decodeJwt } from 'jose';
import * as openidClient from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import {
  ALICE,
  createPkce,
  createRelyingParty,
  DEMO_API,
  DEMO_SPA,
  DEMO_WEB,
  GUEST,
  introspect,
  type Parameters,
  postForm,
  type RelyingParty,
  type TokenSet,
  tokensOf,
} from '../../../testing/relying-party.ts';
import { DEMO_PASSWORD, UserAgent } from '../../../testing/user-agent.ts';

const API = 'http://localhost:3001';
const VAULT = 'http://localhost:3009';
const VAULT_API = { clientId: 'vault-api', secret: 'a-secret-of-the-vault' };
const MACHINE = { clientId: 'detailed-machine', secret: 'a-secret-of-the-machine' };
const BOTH = { ...DEMO_WEB, clientId: 'both', secret: 'a-secret-of-both' };

const UPLOAD = { type: 'file_upload', file_name: 'holiday.jpg', max_bytes: 1000, actions: ['create', 'replace'] };
const OPEN = { type: 'vault_access', vault: 'family' };

let server: TestServer;
let web: RelyingParty;
let both: RelyingParty;
beforeAll(async () => {
  server = await startTestServer();
  web = createRelyingParty(server.issuer, DEMO_WEB);
  both = createRelyingParty(server.issuer, BOTH);
  await server.apply({
    resourceServers: [
      {
        identifier: VAULT,
        name: 'Vault',
        accessTokenFormat: 'jwt',
        scopes: [{ name: 'vault:list', description: 'list your vaults' }],
        authorizationDetailsTypes: [
          {
            type: 'vault_access',
            description: 'open one of your vaults',
            fields: [{ name: 'vault', label: 'Vault', required: true }],
          },
        ],
      },
    ],
    clients: [
      { client_id: VAULT_API.clientId, client_secret: VAULT_API.secret, grant_types: [], resource_server: VAULT },
      {
        client_id: MACHINE.clientId,
        client_secret: MACHINE.secret,
        grant_types: ['client_credentials'],
        scope: 'records:read blobs:write',
        default_scope: 'records:read',
        authorization_details_types: ['file_upload'],
      },
      {
        client_id: BOTH.clientId,
        client_secret: BOTH.secret,
        redirect_uris: [BOTH.redirectUri],
        grant_types: ['authorization_code', 'refresh_token'],
        scope: 'openid records:read blobs:write vault:list',
        default_scope: 'openid records:read',
        authorization_details_types: ['file_upload', 'vault_access'],
      },
    ],
  });
});
afterAll(() => server.stop());

type Detailed = TokenSet & { readonly authorization_details?: unknown };

const asking = (details: unknown, more: Parameters = {}): Parameters => ({
  authorization_details: JSON.stringify(details),
  ...more,
});

const obtain = async (rp: RelyingParty, details: unknown, more: Parameters = {}): Promise<Detailed> =>
  rp.obtainTokens(asking(details, more));

describe('authorization details', () => {
  it('are asked for by openid-client, and come with the tokens', async () => {
    const pkce = createPkce();
    const config = await web.discover();
    expect(config.serverMetadata().authorization_details_types_supported).toContain('file_upload');
    const url = openidClient.buildAuthorizationUrl(config, {
      redirect_uri: DEMO_WEB.redirectUri,
      scope: 'openid records:read',
      authorization_details: JSON.stringify([UPLOAD]),
      code_challenge: pkce.challenge,
      code_challenge_method: 'S256',
    });
    const callback = await new UserAgent(server.issuer).authorize(url.href, ALICE);
    const tokens = await openidClient.authorizationCodeGrant(config, callback, { pkceCodeVerifier: pkce.verifier });
    expect(tokens.authorization_details).toEqual([UPLOAD]);
    expect(tokens.claims()?.sub).toBeTruthy();
    expect(tokens.scope).toBe('records:read');
  });

  it('are told to the resource server whose type they are, and make the token its own', async () => {
    const { access_token } = await obtain(web, [UPLOAD]);
    const told = await introspect(server.issuer, access_token, DEMO_API);
    expect(told).toMatchObject({ active: true, aud: API, authorization_details: [UPLOAD] });
    expect(await introspect(server.issuer, access_token, VAULT_API)).toEqual({ active: false });
  });

  it('can do without a scope, also in the tokens of a refresh', async () => {
    const tokens = await obtain(web, [UPLOAD]);
    expect(tokens.scope ?? '').toBe('');
    const refreshed = tokensOf(await web.refresh(tokens.refresh_token)) as Detailed;
    expect(refreshed.authorization_details).toEqual([UPLOAD]);
    const told = await introspect(server.issuer, refreshed.access_token);
    expect(told).toMatchObject({ active: true, authorization_details: [UPLOAD] });
    expect(told.scope ?? '').toBe('');
  });

  it('stand in a JWT access token', async () => {
    const { access_token } = await obtain(both, [OPEN]);
    expect(decodeJwt(access_token)).toMatchObject({ aud: VAULT, authorization_details: [OPEN] });
  });

  it('for two resource servers come in two tokens, each with its own', async () => {
    const tokens = tokensOf(
      await both.exchange(await both.authorize(asking([UPLOAD, OPEN])), { resource: API }),
    ) as Detailed;
    expect(tokens.authorization_details).toEqual([UPLOAD]);
    const other = tokensOf(await both.refresh(tokens.refresh_token, { resource: VAULT })) as Detailed;
    expect(other.authorization_details).toEqual([OPEN]);
  });

  it('can be pushed, and are then in no URL', async () => {
    const pkce = createPkce();
    const request = Object.fromEntries(new URL(web.authorizationUrl(asking([UPLOAD]), pkce)).searchParams);
    const { body } = await postForm(server.url('/request'), request, DEMO_WEB);
    const reference = new URLSearchParams({ client_id: 'demo-web', request_uri: String(body.request_uri) });
    const callback = await new UserAgent(server.issuer).authorize(server.url(`/auth?${reference}`));
    const code = callback.searchParams.get('code') ?? '';
    const tokens = tokensOf(await web.exchange({ code, verifier: pkce.verifier })) as Detailed;
    expect(tokens.authorization_details).toEqual([UPLOAD]);
  });

  it('can be had by a machine for itself', async () => {
    const grant = { grant_type: 'client_credentials', ...asking([UPLOAD]) };
    const tokens = tokensOf(await createRelyingParty(server.issuer, MACHINE).requestToken(grant)) as Detailed;
    expect(tokens.authorization_details).toEqual([UPLOAD]);
    expect(await introspect(server.issuer, tokens.access_token)).toMatchObject({ authorization_details: [UPLOAD] });
  });

  it('of an empty list are none', async () => {
    const tokens = await obtain(web, [], { scope: 'records:read' });
    expect(tokens).not.toHaveProperty('authorization_details');
  });
});

describe('consent', () => {
  it('shows every field in words, and nothing of it as markup', async () => {
    const browser = new UserAgent(server.issuer);
    const hostile = { ...UPLOAD, file_name: '<b>"holiday"</b>' };
    const page = await browser.signIn(await browser.get(web.authorizationUrl(asking([hostile]))), ALICE);
    expect(page.html).toContain('data-type="file_upload"');
    const text = page.html.replace(/<[^>]+>/g, ' ').replace(/\s+/g, ' ');
    expect(text).toContain('Upload one file for you');
    expect(text).toContain('File &lt;b&gt;&#34;holiday&#34;&lt;/b&gt; At most (bytes) 1000 It may create, replace');
  });

  it('is asked each time: what was allowed once was allowed once', async () => {
    const browser = new UserAgent(server.issuer);
    await web.authorize(asking([UPLOAD]), ALICE, browser);
    const again = await browser.get(web.authorizationUrl(asking([UPLOAD])));
    expect(again.html).toContain('data-testid="consent-detail"');
    const silent = await browser.get(web.authorizationUrl(asking([UPLOAD], { prompt: 'none' })));
    expect(silent.url).toContain('error=consent_required');
    const without = await web.obtainTokens({ scope: 'records:read' }, ALICE, browser);
    expect(without).not.toHaveProperty('authorization_details');
  });

  it('can be denied', async () => {
    const browser = new UserAgent(server.issuer);
    const page = await browser.signIn(await browser.get(web.authorizationUrl(asking([UPLOAD]))), ALICE);
    expect((await browser.deny(page)).url).toContain('error=access_denied');
  });
});

describe('a token request', () => {
  it('may ask for less: fewer of them, and fewer members of a list', async () => {
    const second = { ...UPLOAD, file_name: 'second.jpg' };
    const { refresh_token } = await obtain(web, [UPLOAD, second]);
    const less = [{ ...UPLOAD, actions: ['create'] }];
    const narrowed = tokensOf(await web.refresh(refresh_token, asking(less))) as Detailed;
    expect(narrowed.authorization_details).toEqual(less);
    expect(await introspect(server.issuer, narrowed.access_token)).toMatchObject({ authorization_details: less });
    const whole = tokensOf(await web.refresh(narrowed.refresh_token)) as Detailed;
    expect(whole.authorization_details).toEqual([UPLOAD, second]);
  });

  it.each([
    [[{ ...UPLOAD, file_name: 'another.jpg' }]],
    [[{ ...UPLOAD, max_bytes: 2000 }]],
    [[UPLOAD, { type: 'file_upload', file_name: 'more.jpg' }]],
    [[{ type: 'vault_access', vault: 'family' }]],
  ])('for more is refused: %j', async (details) => {
    const { refresh_token } = await obtain(web, [{ ...UPLOAD, actions: ['create'] }]);
    const answer = await web.refresh(refresh_token, asking(details));
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_authorization_details' } });
  });

  it('gets none that the authorization request had not', async () => {
    const { refresh_token } = await web.obtainTokens({ scope: 'records:read' });
    expect((await web.refresh(refresh_token, asking([UPLOAD]))).body.error).toBe('invalid_authorization_details');
  });
});

describe('an account', () => {
  it('can hand on no more than its roles permit', async () => {
    const request = web.authorizationUrl(asking([UPLOAD]));
    const { searchParams } = await new UserAgent(server.issuer).authorize(request, GUEST);
    expect(Object.fromEntries(searchParams)).toMatchObject({
      error: 'invalid_authorization_details',
      error_description: 'the roles of the account do not permit the type file_upload',
    });
  });

  it('may be another one than who was signed in', async () => {
    const browser = new UserAgent(server.issuer);
    await web.authorize({ scope: 'openid' }, GUEST, browser);
    const request = web.authorizationUrl(asking([UPLOAD], { prompt: 'login' }));
    expect((await browser.authorize(request, ALICE)).searchParams.get('error')).toBeNull();
  });

  it('that loses a role has its tokens lose what it permitted, at once', async () => {
    const person = { email: 'bert@example.com', name: 'Bert', password: DEMO_PASSWORD };
    await server.apply({ accounts: [{ ...person, roles: ['user'] }] });
    const tokens = await web.obtainTokens(asking([UPLOAD]), person);
    expect(await introspect(server.issuer, tokens.access_token)).toHaveProperty('authorization_details');
    await server.apply({ accounts: [{ ...person, roles: ['guest'] }] });
    expect(await introspect(server.issuer, tokens.access_token)).not.toHaveProperty('authorization_details');
    expect(tokensOf(await web.refresh(tokens.refresh_token))).not.toHaveProperty('authorization_details');
  });
});

describe('what is refused', () => {
  const errorOf = async (rp: RelyingParty, details: unknown, more: Parameters = {}) => {
    const parameters =
      typeof details === 'string' ? { authorization_details: details, ...more } : asking(details, more);
    const { searchParams } = await new UserAgent(server.issuer).authorize(rp.authorizationUrl(parameters));
    return Object.fromEntries(searchParams);
  };

  it.each([
    'nonsense',
    '{}',
    '[1]',
    '[{}]',
    [{ type: 'unheard_of' }],
    [{ type: '__proto__' }],
    [{ type: 'constructor' }],
    [{ type: 'vault_access', vault: 'family' }],
    [{ type: 'file_upload' }],
    [{ ...UPLOAD, colour: 'red' }],
    [{ ...UPLOAD, actions: ['delete'] }],
    [{ ...UPLOAD, locations: [VAULT] }],
    [UPLOAD, { ...UPLOAD, max_bytes: 'many' }],
    Array.from({ length: 11 }, () => UPLOAD),
  ])('%j', async (details) => {
    expect(await errorOf(web, details)).toMatchObject({ error: 'invalid_authorization_details', state: 'a-state' });
  });

  it('a type that the registration of the client does not name', async () => {
    const answer = await errorOf(createRelyingParty(server.issuer, DEMO_SPA), [UPLOAD]);
    expect(answer.error).toBe('invalid_authorization_details');
  });

  it('a type that takes a scope which the client may not have', async () => {
    const narrow = { ...BOTH, clientId: 'narrow' };
    const registration = {
      client_id: narrow.clientId,
      client_secret: narrow.secret,
      redirect_uris: [narrow.redirectUri],
      scope: 'openid records:read',
      authorization_details_types: ['file_upload'],
    };
    await server.apply({ clients: [registration] });
    expect(await errorOf(createRelyingParty(server.issuer, narrow), [UPLOAD])).toMatchObject({
      error: 'invalid_authorization_details',
      error_description: 'the type file_upload takes blobs:write, which this client may not have',
    });
  });

  it('a type of another resource server than the request is for', async () => {
    expect((await errorOf(both, [OPEN], { resource: API })).error).toBe('invalid_authorization_details');
  });

  it('a grant that shows nobody anything, and a machine’s request for a type that is not its own', async () => {
    const grant = { grant_type: 'client_credentials', ...asking([OPEN]) };
    const answer = await createRelyingParty(server.issuer, MACHINE).requestToken(grant);
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_authorization_details' } });
  });
});
