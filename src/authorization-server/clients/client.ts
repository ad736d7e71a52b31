import type { ProfileName } from '../profiles/profile.ts';
import type { TokenExchangePolicy } from './token-exchange.ts';

/** A registered client: its metadata in the words of RFC 7591 §2, and what this server adds. */
export interface Client {
  readonly clientId: string;
  /** RFC 7591 metadata in snake_case, as oidc-provider reads it, without `client_id` and `client_secret`. */
  readonly metadata: ClientMetadata;
  /** SHA-256 of the client secret, base64url; `undefined` for a public client. */
  readonly secretHash: string | undefined;
  /** The resource server that introspects with this client's credentials (RFC 7662 §2.1). */
  readonly resourceServer: string | undefined;
  /** Where it describes itself and no operator vouches for it: it registered itself, or its id is the URL of a document. */
  readonly selfDescribed?: SelfDescribed | undefined;
  /** Since when it is known here; `undefined` for one that is described by a document elsewhere. */
  readonly createdAt?: Date | undefined;
}

export type SelfDescribed = 'registration' | 'document';

export interface ClientMetadata {
  readonly client_name?: string;
  readonly redirect_uris?: readonly string[];
  readonly post_logout_redirect_uris?: readonly string[];
  readonly grant_types: readonly string[];
  readonly response_types: readonly string[];
  readonly token_endpoint_auth_method:
    | 'client_secret_basic'
    | 'client_secret_post'
    | 'private_key_jwt'
    | 'tls_client_auth'
    | 'self_signed_tls_client_auth'
    | 'none';
  /** Space-delimited: every scope this client may be granted. */
  readonly scope?: string;
  /** Space-delimited: what it is granted when it asks for nothing (RFC 6749 §3.3); within `scope`. */
  readonly default_scope?: string;
  /** Space-delimited: what a person cannot leave out at the consent page; within `scope`. */
  readonly required_scopes?: string;
  /** The operator's own: nobody is asked to consent to what it asks for. */
  readonly first_party?: boolean;
  /** Seconds after which its access tokens end at the latest. */
  readonly access_token_lifetime?: number;
  /** The profile that the client is held to, besides the server's own. */
  readonly profile?: ProfileName;
  readonly token_exchange?: TokenExchangePolicy;
  /** Types of authorization details that it may ask for (RFC 9396 §10). */
  readonly authorization_details_types?: readonly string[];
  readonly [name: string]: unknown;
}

export interface ClientStore {
  /** The client as it is now, or was less than a second ago; `undefined` when there is none, or it is disabled. */
  findClient(clientId: string): Promise<Client | undefined>;
}
