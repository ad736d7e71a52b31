/** oauth4webapi 3, which takes nothing on trust: each answer is checked against the standard before a client sees it. */
import * as oauth from 'oauth4webapi';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../testing/authorization-server.ts';
import { CAPABLE, CAPABLE_REGISTRATION } from '../testing/capable-client.ts';
import { createRelyingParty, DEMO_MACHINE, DEMO_SPA, DEMO_WEB, type Parameters } from '../testing/relying-party.ts';
import { DEMO_PASSWORD, formOf, UserAgent } from '../testing/user-agent.ts';

const STATE = 'a-state';
const NONCE = 'a-nonce';
const insecure = { [oauth.allowInsecureRequests]: true };
const capable: oauth.Client = { client_id: CAPABLE.clientId };
const authentication = oauth.ClientSecretBasic(CAPABLE.secret);

let server: TestServer;
let metadata: oauth.AuthorizationServer;
let browser: UserAgent;
beforeAll(async () => {
  server = await startTestServer();
  await server.apply({ clients: [CAPABLE_REGISTRATION] });
  const issuer = new URL(server.issuer);
  metadata = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
  browser = new UserAgent(server.issuer);
});
afterAll(() => server.stop());

/** Where the browser is sent with the answer to a request of this client's. */
async function authorize(parameters: Parameters, verifier = oauth.generateRandomCodeVerifier(), client = CAPABLE) {
  const pkce = { verifier, challenge: await oauth.calculatePKCECodeChallenge(verifier) };
  const scope = 'openid records:read';
  const url = createRelyingParty(server.issuer, client).authorizationUrl({ scope, nonce: NONCE, ...parameters }, pkce);
  return browser.authorize(url);
}

describe('oauth4webapi finds nothing wrong with', () => {
  it('either metadata document', async () => {
    const issuer = new URL(server.issuer);
    for (const algorithm of ['oidc', 'oauth2'] as const) {
      const response = await oauth.discoveryRequest(issuer, { algorithm, ...insecure });
      expect(await oauth.processDiscoveryResponse(issuer, response)).toMatchObject({ issuer: server.issuer });
    }
  });

  it.each([
    ['a public client', DEMO_SPA, oauth.None()],
    ['client_secret_basic', DEMO_WEB, oauth.ClientSecretBasic(DEMO_WEB.secret)],
    ['client_secret_post', DEMO_WEB, oauth.ClientSecretPost(DEMO_WEB.secret)],
  ])('the code grant of %s', async (_, { clientId, redirectUri }, method) => {
    const client = { client_id: clientId };
    const verifier = oauth.generateRandomCodeVerifier();
    const callback = await authorize({}, verifier, { ...CAPABLE, clientId, redirectUri });
    const parameters = oauth.validateAuthResponse(metadata, client, callback, STATE);
    const tokens = await oauth.processAuthorizationCodeResponse(
      metadata,
      client,
      await oauth.authorizationCodeGrantRequest(metadata, client, method, parameters, redirectUri, verifier, insecure),
      { expectedNonce: NONCE, requireIdToken: true },
    );
    expect(tokens).toMatchObject({ token_type: 'bearer', scope: 'openid records:read' });
    const sub = oauth.getValidatedIdTokenClaims(tokens)?.sub ?? '';
    const userinfo = await oauth.userInfoRequest(metadata, client, tokens.access_token, insecure);
    expect(await oauth.processUserInfoResponse(metadata, client, sub, userinfo)).toMatchObject({ sub });

    const { refresh_token = '' } = tokens;
    const refresh = await oauth.refreshTokenGrantRequest(metadata, client, method, refresh_token, insecure);
    const refreshed = await oauth.processRefreshTokenResponse(metadata, client, refresh);
    expect(oauth.getValidatedIdTokenClaims(refreshed)?.sub).toBe(sub);
  });

  it('a code in the fragment, and in a form', async () => {
    const fragment = (await authorize({ response_mode: 'fragment' })).hash.slice(1);
    const parameters = { scope: 'openid', response_mode: 'form_post' };
    const page = await browser.get(createRelyingParty(server.issuer, CAPABLE).authorizationUrl(parameters));
    for (const answer of [fragment, formOf(page)?.fields]) {
      const validated = oauth.validateAuthResponse(metadata, capable, new URLSearchParams(answer), STATE);
      expect(validated.get('code')).toEqual(expect.any(String));
    }
  });

  it('the signature, c_hash and nonce of code id_token, with the checks of FAPI 1.0 too', async () => {
    const callback = await authorize({ response_type: 'code id_token' });
    const parameters = await oauth.validateCodeIdTokenResponse(
      metadata,
      capable,
      callback,
      NONCE,
      STATE,
      undefined,
      insecure,
    );
    expect(parameters.get('code')).toEqual(expect.any(String));
  });

  it.each(['token', 'code token'])('the state and issuer of %s', async (response_type) => {
    const callback = await authorize({ response_type });
    const answer = new URLSearchParams(callback.hash.slice(1));
    const parameters = oauth.validateAuthResponse(metadata, capable, answer, STATE);
    expect(parameters.get('access_token')).toEqual(expect.any(String));
  });

  it('a token of a machine, what is said of it, and its end', async () => {
    const client = { client_id: DEMO_MACHINE.clientId };
    const method = oauth.ClientSecretBasic(DEMO_MACHINE.secret);
    const parameters = { scope: 'records:read' };
    const response = await oauth.clientCredentialsGrantRequest(metadata, client, method, parameters, insecure);
    const { access_token } = await oauth.processClientCredentialsResponse(metadata, client, response);
    const introspect = async () => {
      const answer = await oauth.introspectionRequest(metadata, client, method, access_token, insecure);
      return oauth.processIntrospectionResponse(metadata, client, answer);
    };
    expect(await introspect()).toMatchObject({ active: true, client_id: DEMO_MACHINE.clientId });
    const revocation = await oauth.revocationRequest(metadata, client, method, access_token, insecure);
    expect(await oauth.processRevocationResponse(revocation)).toBeUndefined();
    expect(await introspect()).toEqual({ active: false });
  });

  it('tokens for a password', async () => {
    const credentials = { username: 'alice@example.com', password: DEMO_PASSWORD, scope: 'openid' };
    const grant = [metadata, capable, authentication, 'password', credentials, insecure] as const;
    const response = await oauth.genericTokenEndpointRequest(...grant);
    const tokens = await oauth.processGenericTokenEndpointResponse(metadata, capable, response);
    expect(oauth.getValidatedIdTokenClaims(tokens)?.aud).toBe(CAPABLE.clientId);
  });

  it('what it is registered as', async () => {
    const described = { redirect_uris: [CAPABLE.redirectUri], scope: 'openid' };
    const response = await oauth.dynamicClientRegistrationRequest(metadata, described, insecure);
    expect(await oauth.processDynamicClientRegistrationResponse(response)).toMatchObject(described);
  });

  it('a refusal', async () => {
    const grant = [metadata, capable, oauth.ClientSecretBasic('another'), {}, insecure] as const;
    const response = await oauth.clientCredentialsGrantRequest(...grant);
    const refused = oauth.processClientCredentialsResponse(metadata, capable, response);
    await expect(refused).rejects.toBeInstanceOf(oauth.WWWAuthenticateChallengeError);
  });
});

describe('oauth4webapi cannot', () => {
  it.each(['id_token', 'id_token token', 'code id_token token'])('read the answer to %s', async (response_type) => {
    const callback = await authorize({ response_type });
    const answer = new URLSearchParams(callback.hash.slice(1));
    expect(() => oauth.validateAuthResponse(metadata, capable, answer, STATE)).toThrow(oauth.UnsupportedOperationError);
  });
});
