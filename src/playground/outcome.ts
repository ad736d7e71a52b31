import type * as openid from 'openid-client';
import type { Exchange } from './exchange.ts';
import type { Grant, GrantName } from './grants.ts';
import type { Problem } from './problem.ts';

export interface Tokens {
  readonly accessToken?: string;
  readonly tokenType?: string;
  readonly expiresIn?: number;
  readonly scope?: string;
  readonly refreshToken?: string;
  readonly idToken?: string;
  readonly idTokenClaims?: openid.IDToken;
}

/** Where a walk through a grant stands: what the result page shows, and what its buttons work with. */
export interface Outcome {
  readonly grantName: GrantName;
  readonly tokens: Tokens;
  readonly problem: Problem | undefined;
  /** Oldest first. */
  readonly exchanges: readonly Exchange[];
  /** The last button's answer; it is shown beside the buttons as well. */
  readonly answer: { readonly exchange: Exchange | undefined; readonly problem: Problem | undefined } | undefined;
}

export const ACTIONS = ['whoami', 'records', 'create-record', 'userinfo', 'refresh', 'introspect', 'revoke'] as const;
export type Action = (typeof ACTIONS)[number];

export function availableActions(grant: Grant, tokens: Tokens): readonly Action[] {
  return ACTIONS.filter((action) => {
    switch (action) {
      case 'refresh':
        return tokens.refreshToken !== undefined;
      case 'userinfo':
        return tokens.accessToken !== undefined && tokens.scope?.split(' ').includes('openid');
      case 'introspect':
        // RFC 7662 §2.1: the caller authenticates, which a public client cannot.
        return tokens.accessToken !== undefined && grant.clientSecret !== undefined;
      default:
        return tokens.accessToken !== undefined;
    }
  });
}

/** RFC 6749 §5.1: the scope may be left out of the answer when it is the one that was asked for. */
export function readTokens(
  response: openid.TokenEndpointResponse & openid.TokenEndpointResponseHelpers,
  requestedScope: string | undefined,
): Tokens {
  const scope = response.scope ?? requestedScope;
  const idTokenClaims = response.claims();
  return {
    accessToken: response.access_token,
    tokenType: response.token_type,
    ...(response.expires_in !== undefined && { expiresIn: response.expires_in }),
    ...(scope !== undefined && { scope }),
    ...(response.refresh_token !== undefined && { refreshToken: response.refresh_token }),
    ...(response.id_token !== undefined && { idToken: response.id_token }),
    ...(idTokenClaims && { idTokenClaims }),
  };
}
