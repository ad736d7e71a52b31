import type { ClientMetadata } from '../clients/client.ts';
import { isLoopback, isSigningAlg } from '../profiles/problems.ts';
import { isAllowed, type Profile } from '../profiles/profile.ts';

/** Where the registration names none; RS256, which the standards have as the default, may be out of the question. */
const DEFAULT_ALG = 'ES256';
const SIGNED_ANSWERS = [
  'id_token_signed_response_alg',
  'authorization_signed_response_alg',
  'introspection_signed_response_alg',
] as const;

/** A registration as the engine is to read it: without what the client's profile withholds, and with what it demands. */
export function holdToProfile(metadata: ClientMetadata, profile: Profile): ClientMetadata {
  return {
    ...withoutForbiddenAlgs(metadata, profile),
    grant_types: metadata.grant_types.filter((one) => isAllowed(profile.grantTypes, one)),
    response_types: metadata.response_types.filter((one) => isAllowed(profile.responseTypes, one)),
    ...(profile.pushedRequests ? { require_pushed_authorization_requests: true } : {}),
    ...(profile.boundTokens ? boundBy(metadata) : {}),
    ...(isAllowed(profile.signingAlgs, 'RS256') ? {} : defaultAlgs(metadata, profile)),
    ...(profile.loopbackMeansNative && livesOnLoopback(metadata) ? { application_type: 'native' } : {}),
  };
}

/** Either will do; where the registration does not say which, it follows from how the client authenticates. */
function boundBy(metadata: ClientMetadata) {
  const byCertificate = metadata.token_endpoint_auth_method.endsWith('tls_client_auth');
  const isBound = metadata.dpop_bound_access_tokens || metadata.tls_client_certificate_bound_access_tokens;
  if (isBound) {
    return {};
  }
  return byCertificate ? { tls_client_certificate_bound_access_tokens: true } : { dpop_bound_access_tokens: true };
}

/** The engine could not read them. A client that insists on one gets no tokens, but it has to be told so. */
function withoutForbiddenAlgs(metadata: ClientMetadata, { signingAlgs }: Profile): ClientMetadata {
  const entries = Object.entries(metadata);
  const kept = entries.filter(([field, value]) => !isSigningAlg(field) || isAllowed(signingAlgs, String(value)));
  return kept.length === entries.length ? metadata : (Object.fromEntries(kept) as unknown as ClientMetadata);
}

function defaultAlgs(metadata: ClientMetadata, profile: Profile) {
  const chosen = withoutForbiddenAlgs(metadata, profile);
  return Object.fromEntries(SIGNED_ANSWERS.map((field) => [field, chosen[field] ?? DEFAULT_ALG]));
}

/** RFC 8252 §7.3: such a client listens where its operating system lets it. */
function livesOnLoopback({ token_endpoint_auth_method, redirect_uris = [] }: ClientMetadata): boolean {
  return token_endpoint_auth_method === 'none' && redirect_uris.length > 0 && redirect_uris.every(isLoopback);
}
