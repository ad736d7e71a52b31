import { errors } from 'oidc-provider';

/** What is presented in the grants whose refusals the engine explains to its log alone. */
const PRESENTED = {
  authorization_code: 'authorization code',
  refresh_token: 'refresh token',
  'urn:ietf:params:oauth:grant-type:device_code': 'device code',
  'urn:openid:params:grant-type:ciba': 'auth_req_id',
  client_credentials: 'client',
} as const;

export const EXPLAINED_GRANTS = Object.keys(PRESENTED) as (keyof typeof PRESENTED)[];

/** What the engine says of it (9.13.3), and what helps a developer; `…` is the code or token that was presented. */
const REASONS: readonly (readonly [RegExp, string])[] = [
  [/already (used|consumed)$/, 'the … was used already, and works only once'],
  [/is expired$/, 'the … has expired'],
  [/^grant not found$/, 'the permission that the … stands for was withdrawn'],
  [/account not found\)$/, 'the account that the … stands for can no longer be used'],
  // One answer for both: whose it is, is nobody else's business.
  [/not found$|^client mismatch$/, 'the … is not known here, was revoked or has ended, or belongs to another client'],
  [/redirect_uri mismatch$/, 'redirect_uri is not the one that the authorization request was sent with'],
  [/^DPoP proof JWT not provided$/, 'the client is registered for bound tokens: a DPoP proof is missing'],
  [
    /jkt verification$|dpop_jkt$|^missing DPoP proof JWT$/,
    'the … is bound to another key than the one that was proven',
  ],
  [
    /^mutual TLS client certificate not provided$/,
    'no client certificate came with the request, and the tokens are bound to one',
  ],
  [/x5t#S256 verification$/, 'the … is bound to another certificate'],
  [/^code_verifier must be provided$/, 'code_verifier is missing: the authorization request had a code_challenge'],
  [/^code_verifier does not match/, 'code_verifier does not match the code_challenge of the authorization request'],
  [
    /^unsupported code_challenge_method$/,
    'code_verifier was sent, but the authorization request had no code_challenge',
  ],
];

/** RFC 6749 §5.2: `invalid_grant` has many causes, and the client is told which of them it was. */
export function explainRefusal(grantType: (typeof EXPLAINED_GRANTS)[number], error: unknown): void {
  if (error instanceof errors.InvalidGrant) {
    const detail = error.error_detail ?? '';
    if (/Replay detected$/.test(detail)) {
      // RFC 9449 §5: it is not the code or token that is bad.
      throw new errors.InvalidDpopProof('the DPoP proof was used already, and works only once');
    }
    const words = REASONS.find(([pattern]) => pattern.test(detail))?.[1];
    if (words !== undefined) {
      error.error_description = words.replace('…', PRESENTED[grantType]);
    }
  }
}
