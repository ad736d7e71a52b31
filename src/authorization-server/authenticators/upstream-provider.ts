/**
 * Signing in at another OpenID provider (OpenID Connect Core §3.1): authorization code with PKCE, state and nonce.
 */
import * as openid from 'openid-client';
import { z } from 'zod';

export interface UpstreamSettings {
  readonly id: string;
  /** "Sign in with {name}". */
  readonly name: string;
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string | undefined;
  readonly scopes: readonly string[];
  /** How the claims are named there. */
  readonly claims: { readonly email: string; readonly emailVerified: string; readonly name: string };
}

export interface UpstreamPerson {
  readonly subject: string;
  /** Absent where the provider tells none; worth something only where it is verified there. */
  readonly email: string | undefined;
  readonly emailVerified: boolean;
  readonly name: string | undefined;
}

/** What the browser that was sent away brings back along with the answer, sealed. */
export interface SentAway {
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
  /** The person had to prove anew who they are. */
  readonly afresh: boolean;
}

export interface AskedThere {
  readonly redirectUri: string;
  readonly loginHint?: string | undefined;
  readonly uiLocales?: string | undefined;
  readonly afresh: boolean;
}

export interface UpstreamProvider {
  readonly id: string;
  readonly name: string;
  /** Where to send the browser. Throws `UpstreamUnavailable`. */
  begin(asked: AskedThere): Promise<{ readonly url: string; readonly sentAway: SentAway }>;
  /**
   * Who has signed in there, by the answer with which the browser came back; `undefined` when the person or the provider
   * said no. Throws `UpstreamUnavailable` when the provider cannot be asked, or what it says cannot be right.
   */
  finish(answer: URL, sentAway: SentAway): Promise<UpstreamPerson | undefined>;
}

export class UpstreamUnavailable extends Error {
  override readonly name = 'UpstreamUnavailable';
}

const ANSWER_WITHIN_SECONDS = 5;

/** Milliseconds after which the provider's metadata are read again. */
const METADATA_MS = 60 * 60 * 1000;

/** Seconds between the sign-in there and the answer here. */
const AFRESH_SECONDS = 120;

/** OpenID Connect Core §2: a subject has 255 ASCII characters at most. What else is told only helps. */
const Claims = z.looseObject({ sub: z.string().regex(/^[\x20-\x7e]{1,255}$/) });
const Text = z
  .string()
  .trim()
  .min(1)
  .max(320)
  .regex(/^\P{Cc}*$/u);

export function createUpstreamProvider(settings: UpstreamSettings): UpstreamProvider {
  const configuration = keepFor(METADATA_MS, () => discover(settings));
  return {
    id: settings.id,
    name: settings.name,

    begin: ({ redirectUri, loginHint, uiLocales, afresh }) =>
      unlessUnavailable(settings, async () => {
        const sentAway = {
          state: openid.randomState(),
          nonce: openid.randomNonce(),
          codeVerifier: openid.randomPKCECodeVerifier(),
          afresh,
        };
        const url = openid.buildAuthorizationUrl(await configuration(), {
          redirect_uri: redirectUri,
          scope: settings.scopes.join(' '),
          state: sentAway.state,
          nonce: sentAway.nonce,
          code_challenge: await openid.calculatePKCECodeChallenge(sentAway.codeVerifier),
          code_challenge_method: 'S256',
          ...(loginHint === undefined ? {} : { login_hint: loginHint }),
          ...(uiLocales === undefined ? {} : { ui_locales: uiLocales }),
          ...(afresh ? { prompt: 'login', max_age: '0' } : {}),
        });
        return { url: url.href, sentAway };
      }),

    async finish(answer, { state, nonce, codeVerifier, afresh }) {
      const checks = {
        expectedState: state,
        expectedNonce: nonce,
        pkceCodeVerifier: codeVerifier,
        idTokenExpected: true,
        ...(afresh ? { maxAge: AFRESH_SECONDS } : {}),
      };
      return unlessUnavailable(settings, async () => {
        const there = await configuration();
        const tokens = await openid.authorizationCodeGrant(there, answer, checks).catch((error: unknown) => {
          if (error instanceof openid.AuthorizationResponseError) {
            return undefined;
          }
          throw error;
        });
        return tokens && readPerson(there, settings, tokens);
      });
    },
  };
}

async function discover({ issuer, clientId, clientSecret }: UpstreamSettings): Promise<openid.Configuration> {
  const execute = new URL(issuer).protocol === 'http:' ? [openid.allowInsecureRequests] : [];
  const options = { execute, timeout: ANSWER_WITHIN_SECONDS };
  const found = await openid.discovery(new URL(issuer), clientId, undefined, openid.None(), options);
  if (clientSecret === undefined) {
    return found;
  }
  const metadata = found.serverMetadata();
  // RFC 8414 §2: who names no methods means client_secret_basic.
  const basic = (metadata.token_endpoint_auth_methods_supported ?? ['client_secret_basic']).includes(
    'client_secret_basic',
  );
  const authentication = basic ? openid.ClientSecretBasic(clientSecret) : openid.ClientSecretPost(clientSecret);
  const configuration = new openid.Configuration(metadata, clientId, undefined, authentication);
  configuration.timeout = ANSWER_WITHIN_SECONDS;
  for (const apply of execute) {
    apply(configuration);
  }
  return configuration;
}

async function readPerson(
  configuration: openid.Configuration,
  { claims: names }: UpstreamSettings,
  tokens: Awaited<ReturnType<typeof openid.authorizationCodeGrant>>,
): Promise<UpstreamPerson> {
  const idToken = Claims.parse(tokens.claims());
  const askUserinfo = idToken[names.email] === undefined && configuration.serverMetadata().userinfo_endpoint;
  const claims = askUserinfo
    ? { ...(await openid.fetchUserInfo(configuration, tokens.access_token, idToken.sub)), ...idToken }
    : idToken;
  return {
    subject: idToken.sub,
    email: Text.safeParse(claims[names.email]).data,
    // Some providers write it as a text.
    emailVerified: [true, 'true'].includes(claims[names.emailVerified] as never),
    name: Text.safeParse(claims[names.name]).data,
  };
}

async function unlessUnavailable<T>({ id }: UpstreamSettings, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new UpstreamUnavailable(`the upstream provider ${id} cannot be used`, { cause: error });
  }
}

/** Remembers what was read, for a while; a failure is nothing to remember. */
function keepFor<T>(milliseconds: number, read: () => Promise<T>): () => Promise<T> {
  let kept: { readonly value: Promise<T>; readonly until: number } | undefined;
  return () => {
    if (kept === undefined || kept.until <= performance.now()) {
      const value = read();
      const mine = { value, until: performance.now() + milliseconds };
      kept = mine;
      value.catch(() => {
        kept = kept === mine ? undefined : kept;
      });
    }
    return kept.value;
  };
}
