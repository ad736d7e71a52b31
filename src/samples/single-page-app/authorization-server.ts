import * as openid from 'openid-client';
import { z } from 'zod';

/** How this app is registered, and what it asks for. */
export interface Registration {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scope: string;
  /** Where browsers reach this app, without a trailing slash. */
  readonly ownUrl: string;
}

/** What has to be remembered between sending somebody away and their return. */
export const PendingSignIn = z.object({ state: z.string(), nonce: z.string(), codeVerifier: z.string() });
export type PendingSignIn = z.infer<typeof PendingSignIn>;

export interface Tokens {
  readonly accessToken: string;
  /** Seconds. */
  readonly expiresIn: number;
  readonly refreshToken: string;
}

const ANSWER_WITHIN_SECONDS = 10;

/** Better not to let anybody in than not to let them out. */
const NEEDED = ['jwks_uri', 'revocation_endpoint', 'end_session_endpoint'] as const;

/** A server that does not say how long an access token is good for is asked for another one this often. */
const UNSAID_LIFETIME = 300;

/** Everything that the token handler says to the authorization server. Its methods throw the errors of openid-client. */
export class AuthorizationServer {
  readonly #registration: Registration;
  readonly #redirectUri: string;
  readonly #refreshing = new Map<string, Promise<Tokens>>();
  #connection: Promise<openid.Configuration> | undefined;

  constructor(registration: Registration) {
    this.#registration = registration;
    this.#redirectUri = `${registration.ownUrl}/callback`;
  }

  async beginSignIn(): Promise<{ readonly url: URL; readonly pending: PendingSignIn }> {
    const pending = {
      state: openid.randomState(),
      nonce: openid.randomNonce(),
      codeVerifier: openid.randomPKCECodeVerifier(),
    };
    const url = openid.buildAuthorizationUrl(await this.#connect(), {
      redirect_uri: this.#redirectUri,
      scope: this.#registration.scope,
      state: pending.state,
      nonce: pending.nonce,
      code_challenge: await openid.calculatePKCECodeChallenge(pending.codeVerifier),
      code_challenge_method: 'S256',
    });
    return { url, pending };
  }

  /** Checks state, issuer (RFC 9207), and the ID token with its nonce. */
  async finishSignIn(answer: string, pending: PendingSignIn): Promise<Tokens> {
    const callback = new URL(`${this.#redirectUri}?${answer}`);
    const response = await openid.authorizationCodeGrant(await this.#connect(), callback, {
      expectedState: pending.state,
      expectedNonce: pending.nonce,
      pkceCodeVerifier: pending.codeVerifier,
      idTokenExpected: true,
    });
    return readTokens(response);
  }

  /**
   * A refresh token is used up by being used, and a server that sees it twice has to take the second for a thief's (RFC 9700
   * §4.14.2). Tabs of one browser ask at once with the same cookie: here they wait for one answer. One that asks just
   * after it, with the cookie of before, is what servers have a grace period for.
   */
  refresh(refreshToken: string): Promise<Tokens> {
    const running = this.#refreshing.get(refreshToken);
    if (running) {
      return running;
    }
    const refresh = this.#refresh(refreshToken).finally(() => this.#refreshing.delete(refreshToken));
    this.#refreshing.set(refreshToken, refresh);
    return refresh;
  }

  async #refresh(refreshToken: string): Promise<Tokens> {
    return readTokens(await openid.refreshTokenGrant(await this.#connect(), refreshToken), refreshToken);
  }

  /** The refresh token, or what a refresh that is on its way makes of it. */
  async newest(refreshToken: string): Promise<string> {
    const tokens = await this.#refreshing.get(refreshToken)?.catch(() => undefined);
    return tokens?.refreshToken ?? refreshToken;
  }

  /** RFC 7009; the access tokens that came of it end as well (§2.1). */
  async revoke(refreshToken: string): Promise<void> {
    await openid.tokenRevocation(await this.#connect(), refreshToken);
  }

  /** RP-Initiated Logout, by the client's id in place of `id_token_hint`: no token in any address. */
  async signOutUrl(): Promise<URL> {
    return openid.buildEndSessionUrl(await this.#connect(), {
      post_logout_redirect_uri: `${this.#registration.ownUrl}/`,
    });
  }

  /** Discovery waits for the first visitor, so that either may start first; when it fails, the next one tries again. */
  #connect(): Promise<openid.Configuration> {
    this.#connection ??= discover(this.#registration).catch((error: unknown) => {
      this.#connection = undefined;
      throw error;
    });
    return this.#connection;
  }
}

/** The refresh token was used, revoked or has expired: the person has to sign in again (RFC 6749 §5.2). */
export function isOver(error: unknown): boolean {
  return error instanceof openid.ResponseBodyError && error.error === 'invalid_grant';
}

/** The person said no. */
export function isDenied(error: unknown): boolean {
  return error instanceof openid.AuthorizationResponseError && error.error === 'access_denied';
}

function readTokens(
  response: openid.TokenEndpointResponse & openid.TokenEndpointResponseHelpers,
  previous?: string,
): Tokens {
  const refreshToken = response.refresh_token ?? previous;
  if (refreshToken === undefined) {
    throw new Error('The server gave no refresh token. Some do only for the scope offline_access.');
  }
  return { accessToken: response.access_token, expiresIn: response.expiresIn() ?? UNSAID_LIFETIME, refreshToken };
}

async function discover({ issuer, clientId, clientSecret }: Registration): Promise<openid.Configuration> {
  const openidClient = await openid.discovery(
    new URL(issuer),
    clientId,
    undefined,
    openid.ClientSecretBasic(clientSecret),
    { timeout: ANSWER_WITHIN_SECONDS, execute: isPlainLoopback(issuer) ? [openid.allowInsecureRequests] : [] },
  );
  const metadata = openidClient.serverMetadata();
  const missing = NEEDED.filter((name) => metadata[name] === undefined);
  if (missing.length > 0) {
    throw new Error(`${issuer} does not say in its discovery document what this app needs: ${missing.join(', ')}`);
  }
  return openidClient;
}

/** `http:` is for this machine only: anything further away must be `https:`, which openid-client insists on. */
function isPlainLoopback(issuer: string): boolean {
  const { protocol, hostname } = new URL(issuer);
  return protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
}
