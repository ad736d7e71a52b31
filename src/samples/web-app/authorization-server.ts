import { createRemoteJWKSet, jwtVerify } from 'jose';
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
export interface PendingSignIn {
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
}

export interface Tokens {
  readonly accessToken: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  readonly refreshToken: string | undefined;
  readonly idToken: string;
  /** What was granted, which may be less than was asked for. */
  readonly scopes: ReadonlySet<string>;
}

export interface SignedIn {
  readonly subject: string;
  /** The session at the authorization server: what its sign-out notice will name. */
  readonly sid: string | undefined;
  readonly person: Person;
  readonly tokens: Tokens;
}

const Person = z.object({
  name: z.string().default(''),
  email: z.string().default(''),
  roles: z.array(z.string()).default([]),
});
export type Person = z.infer<typeof Person>;

/** OpenID Connect Back-Channel Logout §2.4; a `nonce` would make it an ID token, so there may be none. */
const LogoutToken = z
  .object({
    sub: z.string().optional(),
    sid: z.string().optional(),
    events: z.object({ 'http://schemas.openid.net/event/backchannel-logout': z.object({}) }),
    nonce: z.never().optional(),
  })
  .refine(({ sub, sid }) => sub !== undefined || sid !== undefined);

const ANSWER_WITHIN_SECONDS = 10;

/** Better not to let anybody in than not to let them out. */
const NEEDED = ['jwks_uri', 'userinfo_endpoint', 'revocation_endpoint', 'end_session_endpoint'] as const;

/** Everything this app says to the authorization server. Its methods throw the errors of openid-client. */
export class AuthorizationServer {
  readonly #registration: Registration;
  #connection: Promise<Connection> | undefined;

  constructor(registration: Registration) {
    this.#registration = registration;
  }

  /** `askAgain` shows the consent page even to who has answered it before: to allow more than last time. */
  async beginSignIn(askAgain: boolean): Promise<{ readonly url: URL; readonly pending: PendingSignIn }> {
    const { openidClient } = await this.#connect();
    const pending = {
      state: openid.randomState(),
      nonce: openid.randomNonce(),
      codeVerifier: openid.randomPKCECodeVerifier(),
    };
    const url = openid.buildAuthorizationUrl(openidClient, {
      redirect_uri: this.#redirectUri,
      scope: this.#registration.scope,
      state: pending.state,
      nonce: pending.nonce,
      code_challenge: await openid.calculatePKCECodeChallenge(pending.codeVerifier),
      code_challenge_method: 'S256',
      ...(askAgain && { prompt: 'consent' }),
    });
    return { url, pending };
  }

  /** Checks state, issuer (RFC 9207), the ID token with its nonce, and whose profile it is that userinfo tells. */
  async finishSignIn(answer: string, pending: PendingSignIn): Promise<SignedIn> {
    const { openidClient } = await this.#connect();
    const callback = new URL(`${this.#redirectUri}?${answer}`);
    const response = await openid.authorizationCodeGrant(openidClient, callback, {
      expectedState: pending.state,
      expectedNonce: pending.nonce,
      pkceCodeVerifier: pending.codeVerifier,
      idTokenExpected: true,
    });
    const claims = response.claims() as openid.IDToken;
    const profile = await openid.fetchUserInfo(openidClient, response.access_token, claims.sub);
    return {
      subject: claims.sub,
      sid: typeof claims.sid === 'string' ? claims.sid : undefined,
      person: Person.parse(profile),
      tokens: {
        ...readAccessToken(response),
        refreshToken: response.refresh_token,
        idToken: response.id_token as string,
        // RFC 6749 §5.1: no scope in the answer means the one that was asked for.
        scopes: new Set((response.scope ?? this.#registration.scope).split(' ')),
      },
    };
  }

  async refresh(tokens: Tokens, refreshToken: string): Promise<Tokens> {
    const { openidClient } = await this.#connect();
    const response = await openid.refreshTokenGrant(openidClient, refreshToken);
    return {
      ...tokens,
      ...readAccessToken(response),
      // Most servers replace it with every use; some let it stay as it was and say nothing.
      refreshToken: response.refresh_token ?? refreshToken,
      scopes: response.scope === undefined ? tokens.scopes : new Set(response.scope.split(' ')),
    };
  }

  /** RFC 7009: the tokens end here and now, whatever the person then answers at the server's sign-out page. */
  async revoke(token: string): Promise<void> {
    const { openidClient } = await this.#connect();
    await openid.tokenRevocation(openidClient, token);
  }

  /** Where the browser goes to sign out there, too (RP-Initiated Logout). The hint says who wants to. */
  async signOutUrl({ idToken }: Tokens): Promise<URL> {
    const { openidClient } = await this.#connect();
    return openid.buildEndSessionUrl(openidClient, {
      id_token_hint: idToken,
      post_logout_redirect_uri: `${this.#registration.ownUrl}/`,
    });
  }

  /** Whose session is over (Back-Channel Logout §2.6). Throws when anybody but the server has written the notice. */
  async readLogoutToken(token: string): Promise<{ readonly subject?: string; readonly sid?: string }> {
    const { keys } = await this.#connect();
    const { payload } = await jwtVerify(token, keys, {
      issuer: this.#registration.issuer,
      audience: this.#registration.clientId,
      typ: 'logout+jwt',
      requiredClaims: ['iat', 'exp', 'jti'],
    });
    const { sub, sid } = LogoutToken.parse(payload);
    return { ...(sub !== undefined && { subject: sub }), ...(sid !== undefined && { sid }) };
  }

  get #redirectUri(): string {
    return `${this.#registration.ownUrl}/callback`;
  }

  /** Discovery waits for the first visitor, so that either may start first; when it fails, the next one tries again. */
  #connect(): Promise<Connection> {
    this.#connection ??= connect(this.#registration).catch((error: unknown) => {
      this.#connection = undefined;
      throw error;
    });
    return this.#connection;
  }
}

interface Connection {
  readonly openidClient: openid.Configuration;
  readonly keys: ReturnType<typeof createRemoteJWKSet>;
}

async function connect({ issuer, clientId, clientSecret }: Registration): Promise<Connection> {
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
  return { openidClient, keys: createRemoteJWKSet(new URL(metadata.jwks_uri ?? '')) };
}

/** `http:` is for this machine only: anything further away must be `https:`, which openid-client insists on. */
function isPlainLoopback(issuer: string): boolean {
  const { protocol, hostname } = new URL(issuer);
  return protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
}

function readAccessToken(response: openid.TokenEndpointResponse & openid.TokenEndpointResponseHelpers) {
  // A server that does not say for how long: then the API does, with a 401.
  const seconds = response.expiresIn() ?? Number.POSITIVE_INFINITY;
  return { accessToken: response.access_token, expiresAt: Date.now() + seconds * 1000 };
}
