/**
 * What the OpenID conformance suite does to a server, in a few lines: a client with the suite's addresses, a browser that
 * clicks through the pages and notes which were shown, and the checks that the suite makes of every answer.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRemoteJWKSet, type JWTPayload, jwtVerify } from 'jose';
import { expect } from 'vitest';
import { parse } from 'yaml';
import { startTestServer, type TestServer } from './authorization-server.ts';
import {
  createRelyingParty,
  type Parameters,
  postForm,
  send,
  type TestClient,
  type TokenSet,
  tokensOf,
} from './relying-party.ts';
import { formOf, UserAgent, type Visit } from './user-agent.ts';

export const SUITE = 'https://www.certification.openid.net/test/a/concierge';
export const CALLBACK = `${SUITE}/callback`;
export const POST_LOGOUT = `${SUITE}/post_logout_redirect`;

const DIRECTORY = new URL('../../conformance/directory.yaml', import.meta.url);
const SECRET = 'a-secret-of-the-conformance-suite';
export const ERIN = { email: 'erin@example.com', password: 'correct-horse-battery-staple' };

/** The two variants that certification plans go through: a response type, and how the answer comes back. */
export interface Variant {
  readonly responseType: string;
  readonly responseMode?: string;
}

/** What came back to the client, or the page where the browser stayed. */
export interface Outcome {
  readonly how: 'query' | 'fragment' | 'form_post' | 'page';
  readonly answer: Readonly<Record<string, string>>;
  readonly pages: readonly ('sign-in' | 'consent')[];
  readonly visit: Visit;
}

export interface Completed extends Outcome {
  /** The claims of the last ID token that the client got; those of one from the authorization endpoint are checked as well. */
  readonly idToken: JWTPayload;
  readonly tokens: TokenSet | undefined;
  /** Empty where there is no access token to ask with. */
  readonly userinfo: Readonly<Record<string, unknown>>;
}

export type Suite = Awaited<ReturnType<typeof startSuite>>;

/** Nobody is told of a sign-out, unless somewhere that listens. */
export async function startSuite({ backchannelLogoutUri }: { backchannelLogoutUri?: string } = {}) {
  const server = await startTestServer();
  const { clients, accounts } = parse(readFileSync(DIRECTORY, 'utf8'));
  await server.apply({
    clients: clients.map(
      ({ client_secret_env: _, backchannel_logout_uri: __, ...client }: Record<string, unknown>) => ({
        ...client,
        client_secret: SECRET,
        ...(backchannelLogoutUri === undefined ? {} : { backchannel_logout_uri: backchannelLogoutUri }),
      }),
    ),
    accounts: accounts.map(({ password_env: _, ...account }: Record<string, unknown>) => ({
      ...account,
      password: ERIN.password,
    })),
  });
  return suiteAt(server);
}

export function suiteAt(server: TestServer) {
  const keys = createRemoteJWKSet(new URL(server.url('/jwks')));
  const clientOf = (clientId: string): TestClient => ({ clientId, secret: SECRET, redirectUri: CALLBACK });
  const client = clientOf('conformance-1');

  /** The suite sends no PKCE unless the test is about it. */
  function urlFor({ responseType, responseMode }: Variant, parameters: Parameters = {}, by = client): string {
    return createRelyingParty(server.issuer, by).authorizationUrl({
      response_type: responseType,
      response_mode: responseMode,
      scope: 'openid',
      nonce: 'a-nonce',
      code_challenge: undefined,
      code_challenge_method: undefined,
      ...parameters,
    });
  }

  async function authorize(
    variant: Variant,
    parameters: Parameters = {},
    { browser = new UserAgent(server.issuer), by = client, method = 'GET' } = {},
  ): Promise<Outcome> {
    const url = new URL(urlFor(variant, parameters, by));
    const start =
      method === 'GET'
        ? await browser.get(url.href)
        : await browser.post(url.origin + url.pathname, Object.fromEntries(url.searchParams));
    return throughPages(start, browser);
  }

  /** The whole flow of a response type, with the suite's checks of what comes back. */
  async function complete(
    variant: Variant,
    parameters: Parameters = {},
    context: { browser?: UserAgent; by?: TestClient; method?: string; verifier?: string } = {},
  ): Promise<Completed> {
    const { by = client } = context;
    const outcome = await authorize(variant, parameters, context);
    const { answer } = outcome;
    expect(answer, outcome.visit.html).not.toHaveProperty('error');
    expect(answer).toMatchObject({ iss: server.issuer, state: 'a-state' });
    const words = variant.responseType.split(' ');
    expect(
      Object.keys(answer)
        .filter((name) => ['code', 'id_token', 'access_token'].includes(name))
        .sort(),
    ).toEqual(words.map((word) => (word === 'token' ? 'access_token' : word)).sort());
    const first = answer.id_token === undefined ? undefined : await verify(answer.id_token, by);
    expect(first?.c_hash).toBe(first && answer.code && halfHash(answer.code));
    expect(first?.at_hash).toBe(first && answer.access_token && halfHash(answer.access_token));
    const tokens = answer.code === undefined ? undefined : await redeem(answer.code, by, context.verifier);
    const second = tokens && (await verify(tokens.id_token, by));
    if (first && second) {
      expect({ iss: first.iss, sub: first.sub }).toEqual({ iss: second.iss, sub: second.sub });
    }
    const idToken = second ?? first ?? {};
    expect(idToken.nonce).toBe('nonce' in parameters ? parameters.nonce : 'a-nonce');
    const accessToken = tokens?.access_token ?? answer.access_token;
    const userinfo = accessToken === undefined ? {} : (await askUserinfo(accessToken)).body;
    if (accessToken !== undefined) {
      expect(userinfo.sub).toBe(idToken.sub);
    }
    return { ...outcome, idToken, tokens, userinfo };
  }

  async function redeem(code: string, by = client, verifier?: string): Promise<TokenSet> {
    const tokens = tokensOf(await redemption(code, by, verifier));
    expect(tokens.token_type).toMatch(/^bearer$/i);
    return tokens;
  }

  function redemption(code: string, by = client, code_verifier?: string) {
    return requestToken({ grant_type: 'authorization_code', code, redirect_uri: CALLBACK, code_verifier }, by);
  }

  const refresh = (refresh_token: string, by = client) =>
    requestToken({ grant_type: 'refresh_token', refresh_token }, by);

  /** `client_secret_basic`, but for the client that is there to send its secret in the form. */
  function requestToken(parameters: Parameters, by: TestClient) {
    const { clientId: client_id, secret: client_secret } = by;
    return client_id === 'conformance-post'
      ? postForm(server.url('/token'), { client_id, client_secret, ...parameters })
      : postForm(server.url('/token'), parameters, by);
  }

  const askUserinfo = (accessToken: string, method = 'GET') =>
    send(server.url('/me'), { method, headers: { authorization: `Bearer ${accessToken}` } });

  async function verify(idToken: string, { clientId }: TestClient): Promise<JWTPayload> {
    const { payload, protectedHeader } = await jwtVerify(idToken, keys, {
      issuer: server.issuer,
      audience: clientId,
      requiredClaims: ['sub', 'exp', 'iat'],
    });
    expect(protectedHeader).toMatchObject({ alg: 'RS256', kid: expect.any(String) });
    return payload;
  }

  return { server, client, clientOf, urlFor, authorize, complete, redemption, refresh, askUserinfo, verify };
}

async function throughPages(start: Visit, browser: UserAgent): Promise<Outcome> {
  const pages: ('sign-in' | 'consent')[] = [];
  let visit = start;
  for (let step = 0; step < 5 && browser.isOurs(visit.url); step += 1) {
    const form = formOf(visit);
    if (form?.action === CALLBACK) {
      return { how: 'form_post', answer: form.fields, pages, visit };
    }
    const page = /action="[^"]*\/(sign-in|consent)"/.exec(visit.html)?.[1] as 'sign-in' | 'consent' | undefined;
    if (page === undefined) {
      return { how: 'page', answer: {}, pages, visit };
    }
    pages.push(page);
    visit = page === 'sign-in' ? await browser.signIn(visit, ERIN) : await browser.approve(visit);
  }
  const { origin, pathname, hash, searchParams } = new URL(visit.url);
  expect(origin + pathname).toBe(CALLBACK);
  const how = hash === '' ? 'query' : 'fragment';
  const answer = Object.fromEntries(how === 'query' ? searchParams : new URLSearchParams(hash.slice(1)));
  return { how, answer, pages, visit };
}

/** OpenID Connect Core §3.1.3.6 and §3.3.2.11, for RS256. */
function halfHash(value: string): string {
  return createHash('sha256').update(value, 'ascii').digest().subarray(0, 16).toString('base64url');
}
