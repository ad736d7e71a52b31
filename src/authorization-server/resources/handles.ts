/**
 * What resource servers know a token by, and what it ends with: introspection tells them the handles, and security events name
 * the same ones (docs/shared-signals.md). A handle is a hash, and whoever presents it gets nowhere.
 */
export interface Handles {
  ofToken(id: string): string;
  ofGrant(id: string): string;
  ofSession(uid: string): string;
}

/** As they stand in an answer of introspection, and in a JWT. */
export interface TokenHandles {
  readonly jti: string;
  readonly grant_id?: string;
  /** Where the token ends with the session. */
  readonly sid?: string;
}

export interface HandledToken {
  readonly jti: string;
  readonly grantId?: string | undefined;
  readonly sessionUid?: string | undefined;
  readonly expiresWithSession?: boolean | undefined;
}

export function handlesOf(
  { jti, grantId, sessionUid, expiresWithSession }: HandledToken,
  handles: Handles,
): TokenHandles {
  return {
    jti: handles.ofToken(jti),
    ...(grantId !== undefined && { grant_id: handles.ofGrant(grantId) }),
    ...(expiresWithSession && sessionUid !== undefined && { sid: handles.ofSession(sessionUid) }),
  };
}
