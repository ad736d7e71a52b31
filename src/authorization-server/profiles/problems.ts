import type { ClientMetadata } from '../clients/client.ts';
import { isAllowed, type Profile } from './profile.ts';

/** Something of a client's registration that a profile does not allow, in words for whoever registers it. */
export interface ProfileProblem {
  readonly field: string;
  readonly problem: string;
  readonly fix: string;
}

/** What the client goes without while it can use the rest. */
export function withheldBy(profile: Profile, metadata: ClientMetadata): ProfileProblem[] {
  const lists = [
    { field: 'grant_types', values: metadata.grant_types, allowed: profile.grantTypes },
    { field: 'response_types', values: metadata.response_types, allowed: profile.responseTypes },
  ];
  return lists.flatMap(({ field, values, allowed }) =>
    values
      .filter((value) => !isAllowed(allowed, value))
      .map((value) => ({ field, problem: `has ${value}, which ${profile.name} does not allow`, fix: 'remove it' })),
  );
}

/** What keeps the client from getting any token. One without grant types, which only introspects, wants none. */
export function obstaclesBy(profile: Profile, metadata: ClientMetadata): ProfileProblem[] {
  return metadata.grant_types.length === 0
    ? []
    : [...authMethodProblems(profile, metadata), ...algProblems(profile, metadata), ...uriProblems(profile, metadata)];
}

function* authMethodProblems({ authMethods, name }: Profile, { token_endpoint_auth_method: method }: ClientMetadata) {
  if (authMethods !== undefined && !authMethods.has(method)) {
    yield {
      field: 'token_endpoint_auth_method',
      problem: `is ${method}, which ${name} does not allow`,
      fix: `choose one of ${[...authMethods].join(', ')}`,
    };
  }
}

function* algProblems({ signingAlgs, name }: Profile, metadata: ClientMetadata) {
  for (const [field, value] of Object.entries(metadata)) {
    if (isSigningAlg(field) && !isAllowed(signingAlgs, String(value))) {
      const fix = `choose one of ${[...(signingAlgs ?? [])].join(', ')}`;
      yield { field, problem: `is ${value}, which ${name} does not allow`, fix };
    }
  }
}

/** Fields that name how something is signed; others name how it is encrypted. */
export function isSigningAlg(field: string): boolean {
  return field.endsWith('_signing_alg') || field.endsWith('_signed_response_alg');
}

function* uriProblems(profile: Profile, metadata: ClientMetadata) {
  for (const uri of metadata.redirect_uris ?? []) {
    if (!mayRedirectTo(uri, profile, metadata)) {
      const fix = `register ${profile.redirectUris}`;
      yield { field: 'redirect_uris', problem: `has ${uri}, which ${profile.name} does not allow`, fix };
    }
  }
}

function mayRedirectTo(uri: string, { redirectUris }: Profile, { application_type }: ClientMetadata): boolean {
  return (
    redirectUris === 'registrable' ||
    uri.startsWith('https:') ||
    (isLoopback(uri) && (redirectUris === 'https or loopback' || application_type === 'native'))
  );
}

/** RFC 8252 §7.3. */
export function isLoopback(uri: string): boolean {
  const url = URL.parse(uri);
  return url?.protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
}
