import { Refusal } from './refusal.ts';
import type { RequireOptions } from './requirement.ts';

/**
 * The refusals of RFC 6750 §3.1 and RFC 9470 §3 with their challenges. Each points at the metadata of this resource server
 * (RFC 9728 §5.1), if it has any: that says where tokens come from.
 */
export interface Refusals {
  /** Without an error code: the client may simply not have known that a token is needed. */
  noToken(): Refusal;
  invalidRequest(description: string): Refusal;
  invalidToken(description: string): Refusal;
  /** `needed` is everything that the request takes, which is what to ask for; `missing` what the token lacks of it. */
  insufficientScope(needed: readonly string[], missing: readonly string[]): Refusal;
  insufficientAuthentication(description: string, needed: RequireOptions): Refusal;
  /** `cause` is for the operator. */
  unavailable(cause: unknown): Refusal;
}

const RETRY_AFTER_SECONDS = 2;

export function createRefusals(resourceMetadata: string | undefined): Refusals {
  const pointer = resourceMetadata === undefined ? {} : { resource_metadata: resourceMetadata };
  const refuse = (status: number, code: string, description: string, more: Readonly<Record<string, string>> = {}) => {
    const challenge = bearer({ error: code, error_description: description, ...more, ...pointer });
    return new Refusal({ status, code, description, headers: { 'www-authenticate': challenge } });
  };
  return {
    noToken: () =>
      new Refusal({
        status: 401,
        code: 'unauthorized',
        description: 'This needs an access token, in the header "Authorization: Bearer ...".',
        headers: { 'www-authenticate': bearer(pointer) },
      }),
    invalidRequest: (description) => refuse(400, 'invalid_request', description),
    invalidToken: (description) => refuse(401, 'invalid_token', description),
    insufficientScope: (needed, missing) =>
      refuse(403, 'insufficient_scope', `The access token does not carry ${namesOf(missing)}.`, {
        scope: needed.join(' '),
      }),
    insufficientAuthentication: (description, { acrValues, maxAge }) =>
      refuse(401, 'insufficient_user_authentication', description, {
        ...(acrValues && { acr_values: acrValues.join(' ') }),
        ...(maxAge !== undefined && { max_age: String(maxAge) }),
      }),
    unavailable: (cause) =>
      new Refusal({
        status: 503,
        code: 'temporarily_unavailable',
        description: 'The authorization server cannot be asked about the access token right now. Try again shortly.',
        headers: { 'retry-after': String(RETRY_AFTER_SECONDS) },
        cause,
      }),
  };
}

function namesOf(scopes: readonly string[]): string {
  return `the scope${scopes.length === 1 ? '' : 's'} ${scopes.join(' ')}`;
}

function bearer(parameters: Readonly<Record<string, string>>): string {
  // RFC 6750 §3: error_description may hold neither " nor \.
  const quoted = Object.entries(parameters).map(([name, value]) => `${name}="${value.replaceAll(/["\\]/g, "'")}"`);
  return quoted.length === 0 ? 'Bearer' : `Bearer ${quoted.join(', ')}`;
}
