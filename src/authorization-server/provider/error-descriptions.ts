import type { Provider } from 'oidc-provider';
import { onAuthorizationResponse } from './engine.ts';

/** An error response (RFC 6749 §4.1.2.1 and §5.2). */
interface ErrorResponse {
  readonly error?: unknown;
  error_description?: unknown;
  readonly scope?: unknown;
}

/** Where the engine (9.13.3) says nothing, or nothing but the code again. */
const DESCRIPTIONS: Readonly<Record<string, string>> = {
  unsupported_grant_type:
    'this grant_type is not to be had here; grant_types_supported of the metadata has those that are',
  unsupported_response_type:
    'this response_type is not to be had here; response_types_supported of the metadata has those that are',
  unsupported_response_mode:
    'this response_mode is not to be had here; response_modes_supported of the metadata has those that are',
  request_not_supported: 'request objects are not read here: send the parameters themselves',
  request_uri_not_supported:
    'request_uri must be one that the pushed authorization request endpoint has given out; others are not fetched',
  registration_not_supported:
    'the parameter registration is not read here: register the client before it sends requests',
  login_required: 'the person has to sign in, and prompt=none forbids to ask',
  access_denied: 'the person or the server said no',
  invalid_client: 'the client is not known here',
};

const TERSE: ReadonlySet<unknown> = new Set([
  undefined,
  'unsupported grant_type requested',
  'unsupported response_type requested',
  'unsupported response_mode requested',
  'client is invalid',
]);

/** About scopes, whose names it tells apart from that. */
const NAMELESS = /^refresh token missing requested scopes?$/;

/** The engine's events after it has made an error the body of an answer. */
const TOLD_TO_PROGRAMS = [
  'grant.error',
  'pushed_authorization_request.error',
  'device_authorization.error',
  'backchannel_authentication.error',
] as const;

/** Every error comes with a sentence that helps whoever develops the client, and one about scopes names them. */
export function describeError(response: ErrorResponse): void {
  const { error, error_description: said, scope } = response;
  if (TERSE.has(said) && typeof error === 'string' && Object.hasOwn(DESCRIPTIONS, error)) {
    response.error_description = DESCRIPTIONS[error];
  }
  if (typeof scope === 'string' && NAMELESS.test(String(said))) {
    response.error_description = `${said}: ${scope}`;
  }
}

export function describeErrors(provider: Provider): void {
  onAuthorizationResponse(provider, describeError);
  for (const event of TOLD_TO_PROGRAMS) {
    provider.on(event as 'grant.error', ({ body }) => {
      if (typeof body === 'object' && body !== null) {
        describeError(body);
      }
    });
  }
}
