/**
 * A client of the server under test, with the plain requests of RFC 6749: discovery, authorization requests, the token
 * endpoint. Real client libraries prove that the server works for them; this one can also say what no library would.
 */
import { createHash, randomBytes } from 'node:crypto';
import * as openidClient from 'openid-client';
import { UserAgent } from './user-agent.ts';

export interface TestClient {
  readonly clientId: string;
  /** Absent for a public client. */
  readonly secret?: string;
  readonly redirectUri?: string;
}

/** The clients of config/demo.yaml. */
export const DEMO_WEB = {
  clientId: 'demo-web',
  secret: 'demo-web-secret',
  redirectUri: 'http://localhost:3002/callback',
};
export const DEMO_SPA = { clientId: 'demo-spa', redirectUri: 'http://localhost:3002/spa/callback' };
export const DEMO_IMPLICIT = { clientId: 'demo-implicit', redirectUri: 'http://localhost:3002/implicit/callback' };
export const DEMO_PASSWORD_CLIENT = { clientId: 'demo-password', secret: 'demo-password-secret' };
export const DEMO_MACHINE = { clientId: 'demo-machine', secret: 'demo-machine-secret' };
export const DEMO_API = { clientId: 'demo-api', secret: 'demo-api-secret' };

export const ALICE = { email: 'alice@example.com' };
export const GUEST = { email: 'guest@example.com' };

/** What is sent: `undefined` leaves a parameter out, a list sends it once for each value. */
export type Parameters = Readonly<Record<string, string | readonly string[] | undefined>>;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** The JSON of the answer; empty when it is none. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly text: string;
}

export interface TokenSet {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly id_token: string;
  readonly scope: string;
  readonly token_type: string;
  readonly expires_in: number;
}

export interface Authorization {
  /** Where the browser was sent: the redirect URI with the answer. */
  readonly callback: URL;
  readonly code: string;
  readonly verifier: string;
}

export interface Pkce {
  readonly verifier: string;
  readonly challenge: string;
}

/** RFC 7636 §4.1 and §4.2, method S256. */
export function createPkce(verifier = randomBytes(32).toString('base64url')): Pkce {
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') };
}

export type RelyingParty = ReturnType<typeof createRelyingParty>;

/** `issuer` is also the address that requests go to, unless one names another node. */
export function createRelyingParty(issuer: string, client: TestClient) {
  const redirect_uri = client.redirectUri;

  /** An authorization code request with PKCE and a state; `parameters` go over that. */
  function authorizationUrl(parameters: Parameters = {}, pkce = createPkce()): string {
    const defaults = {
      client_id: client.clientId,
      response_type: 'code',
      redirect_uri,
      state: 'a-state',
      code_challenge: pkce.challenge,
      code_challenge_method: 'S256',
    };
    return `${issuer}/auth?${encode({ ...defaults, ...parameters })}`;
  }

  /** Signs in, approves, and comes back with a code. A browser that is given may be signed in already. */
  async function authorize(
    parameters: Parameters = {},
    person = ALICE,
    browser = new UserAgent(issuer),
  ): Promise<Authorization> {
    const pkce = createPkce();
    const callback = await browser.authorize(authorizationUrl(parameters, pkce), person);
    return { callback, code: callback.searchParams.get('code') ?? '', verifier: pkce.verifier };
  }

  /** A token request with the client's own credentials; `node` is another address of the server. */
  function requestToken(parameters: Parameters, node = issuer): Promise<Answer> {
    return postForm(`${node}/token`, parameters, client);
  }

  /** RFC 6749 §4.1.3; `parameters` go over what belongs in the request. */
  function exchange({ code, verifier }: Omit<Authorization, 'callback'>, parameters: Parameters = {}, node = issuer) {
    const grant = { grant_type: 'authorization_code', code, redirect_uri, code_verifier: verifier };
    return requestToken({ ...grant, ...parameters }, node);
  }

  /** RFC 6749 §6. */
  function refresh(refreshToken: string, parameters: Parameters = {}, node = issuer): Promise<Answer> {
    return requestToken({ grant_type: 'refresh_token', refresh_token: refreshToken, ...parameters }, node);
  }

  return {
    client,
    authorizationUrl,
    authorize,
    requestToken,
    exchange,
    refresh,
    /** The whole code grant. Throws when it ends in anything but tokens. */
    async obtainTokens(parameters: Parameters = {}, person = ALICE, browser?: UserAgent): Promise<TokenSet> {
      return tokensOf(await exchange(await authorize(parameters, person, browser)));
    },
    /** openid-client, configured by discovery. */
    discover: () =>
      openidClient.discovery(new URL(issuer), client.clientId, client.secret, undefined, {
        execute: [openidClient.allowInsecureRequests],
      }),
  };
}

/** The tokens of a successful answer. */
export function tokensOf(answer: Answer): TokenSet {
  if (answer.status !== 200) {
    throw new Error(`no tokens but ${answer.status} ${answer.text}`);
  }
  return answer.body as unknown as TokenSet;
}

/** RFC 7662: what the client is told about the token; the resource API's client asks unless another does. */
export async function introspect(issuer: string, token: string, client: TestClient = DEMO_API) {
  const { body } = await postForm(`${issuer}/token/introspection`, { token }, client);
  return body;
}

/** RFC 7009. */
export function revoke(issuer: string, token: string, client: TestClient): Promise<Answer> {
  return postForm(`${issuer}/token/revocation`, { token }, client);
}

/** A form by `client_secret_basic`, or with the `client_id` of a public client; without a client, just the form. */
export async function postForm(url: string, parameters: Parameters, client?: TestClient): Promise<Answer> {
  const credentials = client?.secret === undefined ? { client_id: client?.clientId } : {};
  return send(url, {
    method: 'POST',
    headers: client?.secret === undefined ? {} : { authorization: basicAuth(client.clientId, client.secret) },
    body: encode({ ...credentials, ...parameters }),
  });
}

/** Any request, its redirects not followed. */
export async function send(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, { redirect: 'manual', ...init });
  const text = await response.text();
  const isJson = /^application\/(.+\+)?json\b/.test(response.headers.get('content-type') ?? '');
  return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : {} };
}

/** RFC 6749 §2.3.1: both parts are form-encoded before base64. */
export function basicAuth(clientId: string, secret: string): string {
  return `Basic ${Buffer.from(`${encodeURIComponent(clientId)}:${encodeURIComponent(secret)}`).toString('base64')}`;
}

export function encode(parameters: Parameters): URLSearchParams {
  const pairs = Object.entries(parameters).flatMap(([name, values]) =>
    values === undefined ? [] : [values].flat().map((value) => [name, value] as [string, string]),
  );
  return new URLSearchParams(pairs);
}
