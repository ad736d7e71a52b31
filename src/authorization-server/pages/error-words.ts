/**
 * Which message of `locales/<language>/error.yaml` a protocol error is told in (RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6,
 * RFC 8707 §2, RFC 9101 §7, RP-Initiated Logout). Errors of pages have messages of their own names.
 */
const MESSAGES: Readonly<Record<string, string>> = {
  invalid_request: 'app_mistake',
  invalid_request_object: 'app_mistake',
  invalid_request_uri: 'link_expired',
  request_not_supported: 'app_mistake',
  request_uri_not_supported: 'app_mistake',
  unsupported_response_type: 'app_mistake',
  unsupported_response_mode: 'app_mistake',
  invalid_authorization_details: 'app_mistake',
  invalid_client: 'unknown_app',
  unauthorized_client: 'app_not_allowed',
  invalid_redirect_uri: 'unsafe_address',
  access_denied: 'no_access',
  invalid_scope: 'too_much',
  invalid_target: 'unknown_service',
  unmet_authentication_requirements: 'stronger_sign_in',
  login_required: 'login_required',
  interaction_required: 'interaction_required',
  consent_required: 'consent_required',
  temporarily_unavailable: 'too_busy',
  server_error: 'internal',
};

export function messageOf(code: string): string {
  return Object.hasOwn(MESSAGES, code) ? (MESSAGES[code] ?? 'unknown') : 'unknown';
}
