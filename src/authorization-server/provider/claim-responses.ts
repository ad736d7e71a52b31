import { type ClaimsParameter, errors } from 'oidc-provider';
import { ACR_VALUES, isAcr } from '../accounts/assurance.ts';
import { CLIENT_ENCRYPTION_ALGS, CLIENT_ENCRYPTION_ENCS, OUR_SIGNING_ALGS } from '../clients/metadata.ts';
import type { Slice } from '../flows/slice.ts';

/**
 * How claims about an account reach a client: as an ID token, signed (OpenID Connect Core §2), and at userinfo as JSON, or
 * signed too (§5.3.2). Both are encrypted to a key of the client where its registration says so (§10.2): RSA or elliptic
 * curves. What would take its secret for a key is not offered: there is only a hash of that.
 *
 * Single claims can be asked for by the parameter `claims` (§5.5). They are consented to one by one.
 */
export const claimResponseSettings = (): Slice => ({
  features: {
    claimsParameter: { enabled: true, assertClaimsParameter: (_ctx, claims) => requireAnswerable(claims) },
    jwtUserinfo: { enabled: true },
    encryption: { enabled: true },
  },
  enabledJWA: {
    idTokenSigningAlgValues: [...OUR_SIGNING_ALGS],
    idTokenEncryptionAlgValues: [...CLIENT_ENCRYPTION_ALGS],
    idTokenEncryptionEncValues: [...CLIENT_ENCRYPTION_ENCS],
    userinfoSigningAlgValues: [...OUR_SIGNING_ALGS],
    userinfoEncryptionAlgValues: [...CLIENT_ENCRYPTION_ALGS],
    userinfoEncryptionEncValues: [...CLIENT_ENCRYPTION_ENCS],
  },
});

/**
 * §5.5.1 of what each claim may be asked with; the engine (9.13.3) would stumble over anything else. And §5.5.1.1: an `acr`
 * that is essential and cannot be had is a failure, at once where nobody here could have it.
 */
function requireAnswerable(claims: ClaimsParameter): void {
  for (const place of ['userinfo', 'id_token'] as const) {
    const asked: unknown[] = Object.values(claims[place] ?? {});
    if (!asked.every((one) => one === null || (typeof one === 'object' && !Array.isArray(one)))) {
      throw new errors.InvalidRequest(`every member of claims.${place} must be null or an object`);
    }
  }
  const {
    essential,
    value,
    values = value === undefined ? undefined : [value],
  } = (claims.id_token?.acr ?? {}) as Record<string, unknown>;
  if (values !== undefined && !Array.isArray(values)) {
    throw new errors.InvalidRequest('claims.id_token.acr.values must be an array');
  }
  if (essential === true && values !== undefined && !values.some(isAcr)) {
    throw new errors.UnmetAuthenticationRequirements(`an acr can be ${ACR_VALUES.join(', ')} here`);
  }
}
