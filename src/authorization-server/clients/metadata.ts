/**
 * Client metadata as somebody registers it, field by field: RFC 7591 §2, OpenID Connect Registration §2, and the extensions named
 * below. A field that is not named here is refused, so nobody can set by registration what the server decides by itself.
 *
 * Keys and algorithms: a client secret is stored as a hash, so nothing may be signed or encrypted with it: no HS*, no
 * `client_secret_jwt`, no `dir` or AES key wrap. An ID token is always signed.
 */

import { z } from 'zod';
import { ACR_VALUES } from '../accounts/assurance.ts';
import { PROFILE_NAMES } from '../profiles/profile.ts';
import { rule } from './rule.ts';

export const GRANT_TYPES = [
  'authorization_code',
  'implicit',
  'password',
  'client_credentials',
  'refresh_token',
  'urn:ietf:params:oauth:grant-type:device_code',
  'urn:openid:params:grant-type:ciba',
  'urn:ietf:params:oauth:grant-type:token-exchange',
  'urn:ietf:params:oauth:grant-type:jwt-bearer',
] as const;
export type GrantType = (typeof GRANT_TYPES)[number];

const RESPONSE_TYPES = [
  'code',
  'token',
  'id_token',
  'id_token token',
  'code id_token',
  'code token',
  'code id_token token',
] as const;
export type ResponseType = (typeof RESPONSE_TYPES)[number];

const AUTH_METHODS = [
  'client_secret_basic',
  'client_secret_post',
  'private_key_jwt',
  'tls_client_auth',
  'self_signed_tls_client_auth',
  'none',
] as const;

/** Asymmetric ones only: a secret that is kept as a hash signs nothing. */
export const CLIENT_SIGNING_ALGS = ['RS256', 'PS256', 'ES256', 'Ed25519', 'EdDSA'] as const;
/** What this server signs with. */
export const OUR_SIGNING_ALGS = ['RS256', 'ES256'] as const;
/** To the key of this server: see provider/server-secrets.ts. */
export const OUR_ENCRYPTION_ALGS = ['ECDH-ES'] as const;
/** To a key of the client. */
export const CLIENT_ENCRYPTION_ALGS = ['RSA-OAEP', 'RSA-OAEP-256', 'ECDH-ES'] as const;
export const CLIENT_ENCRYPTION_ENCS = ['A128CBC-HS256', 'A128GCM', 'A256CBC-HS512', 'A256GCM'] as const;

const text = z
  .string()
  .min(1)
  .max(200)
  .refine((value) => !/[\p{Cc}\p{Cs}]/u.test(value), rule('has characters that nobody can read', 'remove them'));

const httpsUrl = z
  .string()
  .max(2048)
  .refine(
    (value) => /^https:\/\/[^/]/i.test(value) && URL.canParse(value),
    rule('is not an https URL', 'write it like https://app.example.com/about'),
  );

/** What the server itself fetches or sends to: http on loopback only, and there in development only (provider/outgoing.ts). */
export const calledUrl = z
  .string()
  .max(2048)
  .refine(
    (value) => {
      const url = URL.parse(value);
      const loopback = url?.protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
      return (
        url !== null && (url.protocol === 'https:' || loopback) && url.hash === '' && url.username + url.password === ''
      );
    },
    rule('is not an https URL without a fragment', 'write it like https://app.example.com/jwks.json'),
  );

/** RFC 6749 §3.3. Written once each, with single spaces, so that what is stored is what is compared. */
const scope = z
  .string()
  .max(2000)
  .refine(
    (value) => /^[\x21\x23-\x5B\x5D-\x7E]+( [\x21\x23-\x5B\x5D-\x7E]+)*$/.test(value),
    rule('is not a list of scopes', 'separate the scopes by single spaces, without quotes or backslashes'),
  )
  .refine(
    (value) => new Set(value.split(' ')).size === value.split(' ').length,
    rule('names a scope twice', 'name each scope once'),
  );

const uris = z.array(z.string()).max(100);

/** The words of a response type may come in any order (RFC 6749 §3.1.1). */
const responseType = z
  .string()
  .transform((value) => value.split(' ').sort().join(' '))
  .pipe(z.enum(RESPONSE_TYPES));

/** RFC 7517. A private or a symmetric key has no business here. */
export const jwks = z.strictObject({
  keys: z
    .array(
      z.object({ kty: z.enum(['RSA', 'EC', 'OKP']) }).catchall(z.union([z.string(), z.number(), z.array(z.string())])),
    )
    .max(20)
    .refine(
      (keys) => keys.every((key) => !('d' in key) && !('k' in key)),
      rule('has a private key', 'register public keys only, and replace this one: it has been told'),
    ),
});

/** How a client proves who it is (RFC 6749 §2.3, RFC 7523 §2.2, RFC 8705 §2), and binds its tokens (RFC 8705 §3, RFC 9449 §5.2). */
const authentication = {
  token_endpoint_auth_method: z.enum(AUTH_METHODS).default('client_secret_basic'),
  token_endpoint_auth_signing_alg: z.enum(CLIENT_SIGNING_ALGS).exactOptional(),
  jwks: jwks.exactOptional(),
  jwks_uri: calledUrl.exactOptional(),
  tls_client_auth_subject_dn: text.exactOptional(),
  tls_client_auth_san_dns: text.exactOptional(),
  tls_client_auth_san_uri: text.exactOptional(),
  tls_client_auth_san_ip: text.exactOptional(),
  tls_client_auth_san_email: text.exactOptional(),
  tls_client_certificate_bound_access_tokens: z.boolean().exactOptional(),
  use_mtls_endpoint_aliases: z.boolean().exactOptional(),
  dpop_bound_access_tokens: z.boolean().exactOptional(),
};

/** What a person is shown of the client. */
const presentation = {
  client_name: text.exactOptional(),
  client_uri: httpsUrl.exactOptional(),
  logo_uri: httpsUrl.exactOptional(),
  policy_uri: httpsUrl.exactOptional(),
  tos_uri: httpsUrl.exactOptional(),
  contacts: z.array(z.email()).max(20).exactOptional(),
};

/** How requests are made: RFC 9126 §6, RFC 9101 §10.5, RFC 9396 §10, OpenID Connect Registration §2. */
const requests = {
  require_pushed_authorization_requests: z.boolean().exactOptional(),
  require_signed_request_object: z.boolean().exactOptional(),
  request_object_signing_alg: z.enum(CLIENT_SIGNING_ALGS).exactOptional(),
  request_object_encryption_alg: z.enum(OUR_ENCRYPTION_ALGS).exactOptional(),
  request_object_encryption_enc: z.enum(CLIENT_ENCRYPTION_ENCS).exactOptional(),
  authorization_details_types: z.array(text).max(20).exactOptional(),
  default_max_age: z.int().min(0).exactOptional(),
  require_auth_time: z.boolean().exactOptional(),
  default_acr_values: z.array(z.enum(ACR_VALUES)).max(20).exactOptional(),
  initiate_login_uri: httpsUrl.exactOptional(),
};

/** How answers are signed and encrypted: OpenID Connect Registration §2, JARM §3, RFC 9701 §6. */
const responses = {
  id_token_signed_response_alg: z.enum(OUR_SIGNING_ALGS).exactOptional(),
  id_token_encrypted_response_alg: z.enum(CLIENT_ENCRYPTION_ALGS).exactOptional(),
  id_token_encrypted_response_enc: z.enum(CLIENT_ENCRYPTION_ENCS).exactOptional(),
  userinfo_signed_response_alg: z.enum(OUR_SIGNING_ALGS).exactOptional(),
  userinfo_encrypted_response_alg: z.enum(CLIENT_ENCRYPTION_ALGS).exactOptional(),
  userinfo_encrypted_response_enc: z.enum(CLIENT_ENCRYPTION_ENCS).exactOptional(),
  introspection_signed_response_alg: z.enum(OUR_SIGNING_ALGS).exactOptional(),
  introspection_encrypted_response_alg: z.enum(CLIENT_ENCRYPTION_ALGS).exactOptional(),
  introspection_encrypted_response_enc: z.enum(CLIENT_ENCRYPTION_ENCS).exactOptional(),
  authorization_signed_response_alg: z.enum(OUR_SIGNING_ALGS).exactOptional(),
  authorization_encrypted_response_alg: z.enum(CLIENT_ENCRYPTION_ALGS).exactOptional(),
  authorization_encrypted_response_enc: z.enum(CLIENT_ENCRYPTION_ENCS).exactOptional(),
  subject_type: z.enum(['public', 'pairwise']).exactOptional(),
  sector_identifier_uri: httpsUrl.exactOptional(),
};

/** What the server sends on its own: OpenID Connect Back-Channel Logout §2.2, CIBA §4. */
const notifications = {
  backchannel_logout_uri: calledUrl.exactOptional(),
  backchannel_logout_session_required: z.boolean().exactOptional(),
  backchannel_token_delivery_mode: z.enum(['poll', 'ping']).exactOptional(),
  backchannel_client_notification_endpoint: httpsUrl.exactOptional(),
  backchannel_authentication_request_signing_alg: z.enum(CLIENT_SIGNING_ALGS).exactOptional(),
  backchannel_user_code_parameter: z.boolean().exactOptional(),
};

const Fields = z.strictObject({
  application_type: z.enum(['web', 'native']).default('web'),
  redirect_uris: uris.exactOptional(),
  post_logout_redirect_uris: uris.exactOptional(),
  grant_types: z.array(z.enum(GRANT_TYPES)).default(['authorization_code']),
  response_types: z.array(responseType).exactOptional(),
  scope: scope.exactOptional(),
  default_scope: scope.exactOptional(),
  /** Ours: what a person cannot leave out and still go on to the client. */
  required_scopes: scope.exactOptional(),
  /** Ours: the operator's own, to which nobody is asked to consent. Directory files only (self-described.ts). */
  first_party: z.boolean().exactOptional(),
  /** Ours: seconds after which its access tokens end at the latest. It shortens what is usual, and lengthens nothing. */
  access_token_lifetime: z.int().min(1).max(31_536_000).exactOptional(),
  /** Ours: what the client is held to, besides the server's own profile (profiles/profile.ts). */
  profile: z.enum(PROFILE_NAMES).exactOptional(),
  ...presentation,
  ...authentication,
  ...requests,
  ...responses,
  ...notifications,
});

export const METADATA_FIELDS: readonly string[] = Object.keys(Fields.shape);

export const Metadata = Fields.transform((metadata) => ({
  ...metadata,
  // RFC 7591 §2 has "code" as the default; a client without the grant for it has no use for any.
  response_types: metadata.response_types ?? (metadata.grant_types.includes('authorization_code') ? ['code'] : []),
}));
export type Metadata = z.output<typeof Metadata>;
