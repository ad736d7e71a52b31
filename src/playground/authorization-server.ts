import * as openid from 'openid-client';
import { type Recorder, recordingFetch, type Send } from './exchange.ts';
import { type Client, type Issuer, isPlainLoopback, secretsOf } from './issuers.ts';
import { maySendTo, sendFor } from './outgoing.ts';

const ANSWER_WITHIN_SECONDS = 10;

/** Metadata is looked at anew after this long: an operator who switches a grant on sees it. */
const KNOWN_FOR_MILLISECONDS = 60_000;

/** What a script that is a client sends requests to; to the others it sends the browser. */
const ENDPOINTS_FOR_SCRIPTS = ['token_endpoint', 'jwks_uri', 'userinfo_endpoint', 'revocation_endpoint'] as const;

/** As a Content-Security-Policy can name them: what else a URL may hold would say something of its own there. */
const NAMEABLE_ORIGIN = /^https?:\/\/[\w.-]+(?::\d+)?$/;

/** An authorization server, known by its issuer URL alone. */
export class AuthorizationServer {
  readonly settings: Issuer;
  readonly send: Send;
  #known: { readonly metadata: openid.ServerMetadata; readonly at: number } | undefined;

  constructor(settings: Issuer) {
    this.settings = settings;
    this.send = sendFor(settings);
  }

  get issuer(): string {
    return this.settings.issuer;
  }

  /** What must not appear on a page. */
  get secrets(): readonly string[] {
    return secretsOf(this.settings);
  }

  /** Discovery waits for the first call, so the playground may start before the authorization server. */
  async metadata(): Promise<openid.ServerMetadata> {
    if (this.#known === undefined || Date.now() - this.#known.at > KNOWN_FOR_MILLISECONDS) {
      this.#known = { metadata: await this.discover(undefined), at: Date.now() };
    }
    return this.#known.metadata;
  }

  /** What a script that is a client of it talks to, as far as it is known: a server may be away. */
  async origins(): Promise<readonly string[]> {
    const metadata: Partial<openid.ServerMetadata> = await this.metadata().catch(() => ({}));
    const { issuer, api } = this.settings;
    const endpoints = ENDPOINTS_FOR_SCRIPTS.map((name) => metadata[name]).filter((url) => url !== undefined);
    const urls = [
      issuer,
      ...(api ? [api.url] : []),
      ...endpoints.filter((url) => URL.canParse(url) && maySendTo(this.settings, url)),
    ];
    return [...new Set(urls.map((url) => new URL(url).origin))].filter((origin) => NAMEABLE_ORIGIN.test(origin));
  }

  /** openid-client's view of the server for a client; what it then sends is recorded. */
  async connect({ clientId, clientSecret }: Client, recorder: Recorder): Promise<openid.Configuration> {
    const metadata = await this.metadata();
    const configuration = new openid.Configuration(metadata, clientId, undefined, authenticate(metadata, clientSecret));
    configuration.timeout = ANSWER_WITHIN_SECONDS;
    configuration[openid.customFetch] = recordingFetch(recorder, this.send);
    openid.enableNonRepudiationChecks(configuration);
    if (isPlainLoopback(this.issuer)) {
      openid.allowInsecureRequests(configuration);
    }
    return configuration;
  }

  /** OpenID Connect Discovery, and where there is none RFC 8414. */
  async discover(recorder: Recorder | undefined): Promise<openid.ServerMetadata> {
    const options = {
      execute: isPlainLoopback(this.issuer) ? [openid.allowInsecureRequests] : [],
      timeout: ANSWER_WITHIN_SECONDS,
      [openid.customFetch]: recorder ? recordingFetch(recorder, this.send) : this.send,
    };
    const ask = (algorithm: 'oidc' | 'oauth2') =>
      openid.discovery(new URL(this.issuer), 'playground', undefined, openid.None(), { ...options, algorithm });
    const configuration = await ask('oidc').catch((thrown) => {
      // Only an answer that says "there is no such document" is a reason to look elsewhere.
      if (thrown instanceof openid.ClientError && thrown.cause instanceof Response && thrown.cause.status === 404) {
        return ask('oauth2');
      }
      throw thrown;
    });
    return configuration.serverMetadata();
  }
}

/** RFC 8414 §2: where nothing is said, it is Basic. */
function authenticate(metadata: openid.ServerMetadata, clientSecret: string | undefined): openid.ClientAuth {
  if (clientSecret === undefined) {
    return openid.None();
  }
  const methods = metadata.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
  return methods.includes('client_secret_basic')
    ? openid.ClientSecretBasic(clientSecret)
    : openid.ClientSecretPost(clientSecret);
}
