/** Every member that the metadata of this server may have (RFC 8414 §2 and its extensions), and how it is exercised. */
import * as answers from './answers.ts';
import { acrValues } from './assurance.ts';
import * as authentication from './authentication.ts';
import type { ListExercise, Works } from './exercise.ts';
import { flags } from './flags.ts';
import * as grants from './grants.ts';
import { signing } from './signing.ts';

export const LISTS: Readonly<Record<string, ListExercise>> = {
  grant_types_supported: grants.grantTypes,
  backchannel_token_delivery_modes_supported: grants.deliveryModes,
  response_types_supported: answers.responseTypes,
  response_modes_supported: answers.responseModes,
  scopes_supported: answers.scopes,
  claims_supported: answers.claims,
  acr_values_supported: acrValues,
  authorization_details_types_supported: answers.authorizationDetailsTypes,
  ui_locales_supported: answers.uiLocales,
  claim_types_supported: answers.claimTypes,
  subject_types_supported: answers.subjectTypes,
  code_challenge_methods_supported: answers.challengeMethods,
  token_endpoint_auth_methods_supported: authentication.atTheTokenEndpoint,
  introspection_endpoint_auth_methods_supported: authentication.atIntrospection,
  revocation_endpoint_auth_methods_supported: authentication.atRevocation,
};

/** What is signed and encrypted, and how. */
export const ALGORITHMS: Readonly<Record<string, ListExercise>> = signing;

export const FLAGS: Readonly<Record<string, Works>> = flags;

/** Each is used by its address in the exercises above, too; here it is only seen that it answers there. */
export const ENDPOINTS: ReadonlySet<string> = new Set([
  'authorization_endpoint',
  'token_endpoint',
  'userinfo_endpoint',
  'jwks_uri',
  'introspection_endpoint',
  'revocation_endpoint',
  'end_session_endpoint',
  'pushed_authorization_request_endpoint',
  'device_authorization_endpoint',
  'backchannel_authentication_endpoint',
  'registration_endpoint',
]);
