/**
 * How answers are signed and encrypted, which subjects they speak of, and how requests are protected: what of that goes
 * together in a registration. What the engine finds wrong later would be found by a person who signs in.
 */
import type { Metadata } from './metadata.ts';
import { encryptsBy } from './public-keys.ts';
import { broken } from './rule.ts';

const ENCRYPTED = ['id_token', 'userinfo', 'introspection', 'authorization'] as const;

export function* responseIssues(metadata: Metadata) {
  for (const response of ENCRYPTED) {
    yield* encryptionIssues(metadata, response);
  }
  yield* requestObjectIssues(metadata);
  yield* subjectIssues(metadata);
}

/** OpenID Connect Registration §2, JARM §3, RFC 9701 §6. */
function* encryptionIssues(metadata: Metadata, response: (typeof ENCRYPTED)[number]) {
  const alg = metadata[`${response}_encrypted_response_alg`];
  const enc = metadata[`${response}_encrypted_response_enc`];
  if (alg === undefined) {
    if (enc !== undefined) {
      const fix = `say in ${response}_encrypted_response_alg how its key is encrypted, or remove it`;
      yield broken([`${response}_encrypted_response_enc`], 'is given without an algorithm', fix);
    }
    return;
  }
  if (response === 'userinfo' && metadata.userinfo_signed_response_alg === undefined) {
    const fix = 'add userinfo_signed_response_alg: what is encrypted here is signed first';
    yield broken(['userinfo_encrypted_response_alg'], 'is given for an answer that is not signed', fix);
  }
  const { jwks, jwks_uri } = metadata;
  if (jwks_uri === undefined && !jwks?.keys.some((key) => encryptsBy(alg, key))) {
    const fix = 'register the public key as jwks, with "use": "enc" or without a use, or say in jwks_uri where it is';
    yield broken([`${response}_encrypted_response_alg`], `is ${alg}, and there is no key for that`, fix);
  }
}

/** RFC 9101 §10.5. */
function* requestObjectIssues(metadata: Metadata) {
  const { jwks, jwks_uri, request_object_encryption_alg: alg, request_object_encryption_enc: enc } = metadata;
  const signs = metadata.require_signed_request_object === true || metadata.request_object_signing_alg !== undefined;
  if (signs && jwks === undefined && jwks_uri === undefined) {
    const fix = 'register its public keys as jwks, or say in jwks_uri where they are';
    yield broken(['jwks'], 'is missing, which request objects are verified with', fix);
  }
  if (enc !== undefined && alg === undefined) {
    const fix = 'say in request_object_encryption_alg how its key is encrypted, or remove it';
    yield broken(['request_object_encryption_enc'], 'is given without an algorithm', fix);
  }
}

/** OpenID Connect Core §8.1: clients of one host are told the same subjects. */
function* subjectIssues(metadata: Metadata) {
  const { subject_type, sector_identifier_uri, redirect_uris = [] } = metadata;
  if (subject_type !== 'pairwise' || sector_identifier_uri !== undefined) {
    return;
  }
  const hosts = new Set(redirect_uris.map((uri) => URL.parse(uri)?.host ?? ''));
  if (hosts.size !== 1 || hosts.has('')) {
    const problem = hosts.size > 1 ? 'has redirect URIs at several hosts' : 'has no redirect URI with a host';
    const fix = 'name a sector_identifier_uri: the https address of a JSON list of all its redirect URIs';
    yield broken(['sector_identifier_uri'], `is missing: a client with pairwise subjects ${problem}`, fix);
  }
}
