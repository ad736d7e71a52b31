/**
 * How a client proves who it is, and to what its tokens are bound: what of that goes together in a registration.
 */
import { createPublicKey, type JsonWebKey, X509Certificate } from 'node:crypto';
import type { Metadata } from './metadata.ts';
import { isPublicKey } from './public-keys.ts';
import { broken } from './rule.ts';

const SUBJECTS = [
  'tls_client_auth_subject_dn',
  'tls_client_auth_san_dns',
  'tls_client_auth_san_uri',
  'tls_client_auth_san_ip',
  'tls_client_auth_san_email',
] as const;

/** By which it shows a secret. With the others it has none. */
export function usesSecret({ token_endpoint_auth_method: method }: Metadata): boolean {
  return method === 'client_secret_basic' || method === 'client_secret_post';
}

export function* authenticationIssues(metadata: Metadata) {
  yield* keyIssues(metadata);
  yield* certificateIssues(metadata);
  yield* bindingIssues(metadata);
}

function* keyIssues(metadata: Metadata) {
  const { token_endpoint_auth_method: method, jwks, jwks_uri } = metadata;
  if (jwks !== undefined && jwks_uri !== undefined) {
    // RFC 7591 §2: they "MUST NOT both be present".
    yield broken(['jwks'], 'is given, and jwks_uri too', 'keep one of them');
  }
  const needsKeys = method === 'private_key_jwt' || method === 'self_signed_tls_client_auth';
  if (needsKeys && jwks === undefined && jwks_uri === undefined) {
    const problem = `is missing, which ${method} is checked with`;
    yield broken(['jwks'], problem, 'register the public keys as jwks, or say in jwks_uri where they are');
  }
  for (const [index, key] of jwks?.keys.entries() ?? []) {
    if (!isPublicKey(key)) {
      // The engine would find out at the first request of the client, and refuse all of them.
      const fix =
        'write it as RFC 7517 and RFC 7518 say, with every member that its kty needs, RSA with 2048 bits or more';
      yield broken(['jwks', 'keys', index], 'is not a public key', fix);
    } else if ('x5c' in key && !isCertificateOf(key)) {
      const fix = 'put the certificate of this very key there first: base64, not base64url, of its DER';
      yield broken(['jwks', 'keys', index, 'x5c'], 'is not the certificate of the key', fix);
    }
  }
  if (method === 'self_signed_tls_client_auth' && jwks !== undefined && !jwks.keys.some((key) => 'x5c' in key)) {
    // RFC 8705 §2.2.2: certificates are registered as `x5c` of the keys.
    yield broken(
      ['jwks'],
      'has no certificate',
      'put the certificate of each key into its "x5c" (RFC 7517 section 4.7)',
    );
  }
  if (metadata.token_endpoint_auth_signing_alg !== undefined && method !== 'private_key_jwt') {
    const problem = `is given, and ${method} signs nothing`;
    yield broken(['token_endpoint_auth_signing_alg'], problem, 'remove it, or choose private_key_jwt');
  }
}

/** RFC 7517 §4.7: "The key in the first certificate MUST match the public key represented by other members of the JWK." */
function isCertificateOf({ x5c, ...key }: JsonWebKey): boolean {
  try {
    const certificate = new X509Certificate(Buffer.from(String([x5c].flat()[0]), 'base64'));
    return certificate.publicKey.equals(createPublicKey({ key, format: 'jwk' }));
  } catch {
    return false;
  }
}

/** RFC 8705 §2.1.2: "A client using the `tls_client_auth` authentication method MUST use exactly one of" them. */
function* certificateIssues(metadata: Metadata) {
  const given = SUBJECTS.filter((name) => metadata[name] !== undefined);
  const expected = metadata.token_endpoint_auth_method === 'tls_client_auth';
  if (expected && given.length === 0) {
    const fix = `say whose certificate it is by one of ${SUBJECTS.join(', ')}`;
    yield broken(['token_endpoint_auth_method'], 'is tls_client_auth without a subject', fix);
  }
  for (const name of expected ? given.slice(1) : given) {
    yield broken(
      [name],
      expected ? `is given, and ${given[0]} too` : 'is given, and the method is not tls_client_auth',
      expected ? 'keep one of them' : 'remove it, or choose tls_client_auth',
    );
  }
}

/** RFC 8705 §3, RFC 9449 §5.2. */
function* bindingIssues(metadata: Metadata) {
  const byCertificate = metadata.tls_client_certificate_bound_access_tokens === true;
  const byKey = metadata.dpop_bound_access_tokens === true;
  if (byCertificate && byKey) {
    const fix = 'choose one: a token is bound to a certificate or to a key';
    yield broken(['dpop_bound_access_tokens'], 'is true, and tls_client_certificate_bound_access_tokens too', fix);
  }
  const unbound = metadata.response_types.filter((type) => type.split(' ').includes('token'));
  if ((byCertificate || byKey) && unbound.length > 0) {
    const fix = 'use the authorization code grant, or let its tokens be bearer tokens';
    yield broken(['response_types'], `has ${unbound.join(', ')}, whose tokens cannot be bound to anything`, fix);
  }
}
