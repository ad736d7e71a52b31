import * as openid from 'openid-client';
import { type Exchange, recordingFetch } from './exchange.ts';
import type { Grant } from './grants.ts';

const ANSWER_WITHIN_SECONDS = 10;

/** The authorization server, known by its issuer URL alone. */
export class AuthorizationServer {
  readonly issuer: string;
  #metadata: openid.ServerMetadata | undefined;

  constructor(issuer: string) {
    this.issuer = issuer;
  }

  /**
   * openid-client's view of the server for this grant's client; what it then sends is added to `exchanges`.
   * Discovery waits for the first call, so the playground may start before the authorization server.
   */
  async connect(grant: Grant, exchanges: Exchange[]): Promise<openid.Configuration> {
    this.#metadata ??= await this.#discover(grant.clientId);
    const authentication = grant.clientSecret ? openid.ClientSecretBasic(grant.clientSecret) : openid.None();
    const configuration = new openid.Configuration(this.#metadata, grant.clientId, undefined, authentication);
    configuration.timeout = ANSWER_WITHIN_SECONDS;
    configuration[openid.customFetch] = recordingFetch(exchanges);
    openid.enableNonRepudiationChecks(configuration);
    if (isPlainLoopback(this.issuer)) {
      openid.allowInsecureRequests(configuration);
    }
    return configuration;
  }

  async #discover(clientId: string): Promise<openid.ServerMetadata> {
    const configuration = await openid.discovery(new URL(this.issuer), clientId, undefined, openid.None(), {
      execute: isPlainLoopback(this.issuer) ? [openid.allowInsecureRequests] : [],
      timeout: ANSWER_WITHIN_SECONDS,
    });
    return configuration.serverMetadata();
  }
}

/** `http:` is for this machine only; anything further away must be `https:`. */
function isPlainLoopback(issuer: string): boolean {
  const { protocol, hostname } = new URL(issuer);
  return protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
}
