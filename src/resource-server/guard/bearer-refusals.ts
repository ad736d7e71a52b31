import { Refusal } from './refusal.ts';

/**
 * RFC 6750 §3 and §3.1: how each refusal of a bearer token reads.
 *
 * Every challenge names the metadata document (RFC 9728 §5.1), from which a client learns where tokens come from.
 */
export interface BearerRefusals {
  /** Without an error code: the client may simply not have known that a token is needed. */
  noToken(): Refusal;
  invalidRequest(description: string): Refusal;
  invalidToken(description: string): Refusal;
  insufficientScope(scope: string): Refusal;
}

export function bearerRefusals(resourceMetadata: string): BearerRefusals {
  const refuse = (status: number, code: string, description: string, scope?: string) => {
    const challenge = { error: code, error_description: description, ...(scope && { scope }) };
    const headers = { 'www-authenticate': bearer({ ...challenge, resource_metadata: resourceMetadata }) };
    return new Refusal({ status, code, description, headers });
  };
  return {
    noToken: () =>
      new Refusal({
        status: 401,
        code: 'unauthorized',
        description: 'This needs an access token, in the header "Authorization: Bearer ...".',
        headers: { 'www-authenticate': bearer({ resource_metadata: resourceMetadata }) },
      }),
    invalidRequest: (description) => refuse(400, 'invalid_request', description),
    invalidToken: (description) => refuse(401, 'invalid_token', description),
    insufficientScope: (scope) =>
      refuse(403, 'insufficient_scope', `The access token does not carry the scope ${scope}.`, scope),
  };
}

function bearer(parameters: Readonly<Record<string, string>>): string {
  // RFC 6750 §3: error_description may hold neither " nor \.
  const quoted = Object.entries(parameters).map(([name, value]) => `${name}="${value.replaceAll(/["\\]/g, "'")}"`);
  return `Bearer ${quoted.join(', ')}`;
}
