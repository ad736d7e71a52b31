import { Refusal } from './refusal.ts';
import type { RequireOptions } from './requirement.ts';

/**
 * The refusals of RFC 6750 §3.1, RFC 9470 §3 and RFC 9449 §7.1 with their challenges. Each points at the metadata of this
 * resource server (RFC 9728 §5.1), if it has any: that says where tokens come from.
 */
export interface SchemeRefusals {
  /** Without an error code: the client may simply not have known that a token is needed. */
  noToken(): Refusal;
  invalidRequest(description: string): Refusal;
  invalidToken(description: string): Refusal;
  /** `needed` is everything that the request takes, which is what to ask for; `missing` what the token lacks of it. */
  insufficientScope(needed: readonly string[], missing: readonly string[]): Refusal;
  insufficientAuthentication(description: string, needed: RequireOptions): Refusal;
  invalidProof(description: string): Refusal;
  /** RFC 9449 §9. */
  useNonce(nonce: string): Refusal;
  /** `cause` is for the operator. */
  unavailable(cause: unknown): Refusal;
}

/** In the words of RFC 6750; and those for a request with a token in the scheme DPoP. */
export interface Refusals extends SchemeRefusals {
  readonly inDpop: SchemeRefusals;
}

interface Schemes {
  readonly resourceMetadata: string | undefined;
  /** What DPoP proofs may be signed with; `undefined` where there is no DPoP. */
  readonly dpopAlgs: readonly string[] | undefined;
}

const RETRY_AFTER_SECONDS = 2;

export function createRefusals({ resourceMetadata, dpopAlgs }: Schemes): Refusals {
  const pointer = resourceMetadata === undefined ? {} : { resource_metadata: resourceMetadata };
  const dpop = dpopAlgs && { algs: dpopAlgs.join(' ') };
  const inDpop = refusalsOf((parameters) => challenge('DPoP', { ...parameters, ...dpop, ...pointer }));
  const inBearer = refusalsOf((parameters, status) => {
    const challenges = [challenge('Bearer', { ...parameters, ...pointer })];
    // Another token may do, and it may be one of either kind.
    return [...challenges, ...(dpop && status === 401 ? [challenge('DPoP', dpop)] : [])].join(', ');
  });
  return { ...inBearer, inDpop };
}

type Parameters = Readonly<Record<string, string>>;

function refusalsOf(challengeOf: (parameters: Parameters, status: number) => string): SchemeRefusals {
  const refuse = (
    status: number,
    code: string,
    description: string,
    more: Parameters = {},
    headers: Parameters = {},
  ) => {
    const challenges = challengeOf({ error: code, error_description: description, ...more }, status);
    return new Refusal({ status, code, description, headers: { 'www-authenticate': challenges, ...headers } });
  };
  return {
    noToken: () =>
      new Refusal({
        status: 401,
        code: 'unauthorized',
        description: 'This needs an access token, in the header "Authorization: Bearer ...".',
        headers: { 'www-authenticate': challengeOf({}, 401) },
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
    invalidProof: (description) => refuse(401, 'invalid_dpop_proof', description),
    useNonce: (nonce) =>
      refuse(
        401,
        'use_dpop_nonce',
        'The DPoP proof has to name the nonce of this answer.',
        {},
        { 'dpop-nonce': nonce },
      ),
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

function challenge(scheme: string, parameters: Parameters): string {
  // RFC 6750 §3: error_description may hold neither " nor \.
  const quoted = Object.entries(parameters).map(([name, value]) => `${name}="${value.replaceAll(/["\\]/g, "'")}"`);
  return quoted.length === 0 ? scheme : `${scheme} ${quoted.join(', ')}`;
}
