import { createHash } from 'node:crypto';
import { errors, type Provider } from 'oidc-provider';

/** What the console asks for; `state`, `nonce` and the verifier are its own secrets. */
export interface ConsoleRequest {
  readonly clientId: string;
  readonly redirectUri: string;
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
  /** Seconds: whoever signed in longer ago has to do it again. */
  readonly maxAge?: number | undefined;
  readonly loginHint?: string | undefined;
}

/** What a code says of whoever signed in (OpenID Connect Core §2). */
export interface SignedIn {
  readonly accountId: string;
  readonly sessionUid: string;
  readonly grantId: string;
  /** Seconds since 1970. */
  readonly authTime: number;
  readonly amr: readonly string[];
  readonly acr: string | undefined;
}

export interface ConsoleSignIn {
  /** Where the browser goes: an authorization request like any other client's. */
  requestUrl(request: ConsoleRequest): Promise<string>;
  /**
   * What the token endpoint does with a code (RFC 6749 §4.1.3, RFC 7636 §4.6) and a client with the ID token (OpenID Connect Core
   * §3.1.3.7), where both are the same process: nothing is signed, sent and verified. Of any number of attempts with one code one
   * succeeds; `undefined` for every other.
   */
  redeem(code: string, request: Omit<ConsoleRequest, 'state'>): Promise<SignedIn | undefined>;
}

export interface ConsoleSignInDeps {
  readonly provider: () => Provider;
  /** Where the server takes pushed requests only (RFC 9126): pushes one, and gives the parameters that refer to it. */
  readonly push?: ((params: Readonly<Record<string, string>>) => Promise<URLSearchParams | undefined>) | undefined;
}

export function createConsoleSignIn({ provider, push }: ConsoleSignInDeps): ConsoleSignIn {
  return {
    async requestUrl(request) {
      const params = parametersOf(request);
      const query = (await push?.(params)) ?? new URLSearchParams(params);
      return `${provider().urlFor('authorization')}?${query}`;
    },
    async redeem(presented, request) {
      const code = await provider().AuthorizationCode.find(presented);
      const { accountId, sessionUid, grantId, authTime, amr = [], acr } = code ?? {};
      if (
        code === undefined ||
        !code.isValid ||
        code.clientId !== request.clientId ||
        code.redirectUri !== request.redirectUri ||
        code.nonce !== request.nonce ||
        code.codeChallengeMethod !== 'S256' ||
        code.codeChallenge !== challengeOf(request.codeVerifier) ||
        accountId === undefined ||
        sessionUid === undefined ||
        grantId === undefined ||
        authTime === undefined
      ) {
        return undefined;
      }
      return (await useUp(code)) ? { accountId, sessionUid, grantId, authTime, amr, acr } : undefined;
    },
  };
}

function parametersOf({ clientId, redirectUri, state, nonce, codeVerifier, maxAge, loginHint }: ConsoleRequest) {
  return {
    client_id: clientId,
    redirect_uri: redirectUri,
    response_type: 'code',
    scope: 'openid',
    state,
    nonce,
    code_challenge: challengeOf(codeVerifier),
    code_challenge_method: 'S256',
    ...(maxAge === undefined ? {} : { max_age: String(maxAge) }),
    ...(loginHint === undefined ? {} : { login_hint: loginHint }),
  };
}

/** RFC 7636 §4.2. */
function challengeOf(codeVerifier: string): string {
  return createHash('sha256').update(codeVerifier).digest('base64url');
}

async function useUp(code: { consume(): Promise<void> }): Promise<boolean> {
  try {
    await code.consume();
    return true;
  } catch (error) {
    if (error instanceof errors.InvalidGrant) {
      return false;
    }
    throw error;
  }
}
