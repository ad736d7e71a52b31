import type { TestServer } from './authorization-server.ts';
import { send } from './relying-party.ts';

/** A client that may do whatever the server can: what it is refused, the server cannot do. */
export const CAPABLE = {
  clientId: 'capable',
  secret: 'a-secret-of-the-capable-client',
  redirectUri: 'http://localhost:3002/capable',
};

/** In the words of config/demo.yaml. */
export const CAPABLE_REGISTRATION = {
  client_id: CAPABLE.clientId,
  client_secret: CAPABLE.secret,
  client_name: 'Capable',
  redirect_uris: [CAPABLE.redirectUri],
  grant_types: ['authorization_code', 'implicit', 'refresh_token', 'client_credentials', 'password'],
  response_types: ['code', 'token', 'id_token', 'id_token token', 'code id_token', 'code token', 'code id_token token'],
  backchannel_logout_uri: 'http://localhost:3002/capable/signed-out',
  scope: 'openid profile email address phone offline_access records:read records:write blobs:read blobs:write',
};

/** RFC 8414 §2: the members that this server has. */
export interface ServerMetadata {
  readonly issuer: string;
  readonly jwks_uri: string;
  readonly token_endpoint: string;
  readonly userinfo_endpoint: string;
  readonly response_types_supported: readonly string[];
  readonly response_modes_supported: readonly string[];
  readonly grant_types_supported: readonly string[];
  readonly scopes_supported: readonly string[];
  readonly claims_supported: readonly string[];
  readonly claim_types_supported: readonly string[];
  readonly subject_types_supported: readonly string[];
  readonly id_token_signing_alg_values_supported: readonly string[];
  readonly token_endpoint_auth_methods_supported: readonly string[];
  readonly code_challenge_methods_supported: readonly string[];
  readonly authorization_response_iss_parameter_supported: boolean;
}

export async function readMetadata(server: Pick<TestServer, 'url'>): Promise<ServerMetadata> {
  return (await send(server.url('/.well-known/openid-configuration'))).body as unknown as ServerMetadata;
}
