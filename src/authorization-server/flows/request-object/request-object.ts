import { errors, type KoaContextWithOIDC } from 'oidc-provider';
import type { Slice } from '../slice.ts';

/** Asymmetric ones: what is kept of a client's secret is a hash, which verifies nothing. */
const SIGNING_ALGS = ['RS256', 'PS256', 'ES256', 'Ed25519', 'EdDSA'] as const;

export interface RequestObjectDeps {
  /** Told of every request object, also of what was pushed, before anything in it is acted upon. */
  readonly onAccepted: (ctx: KoaContextWithOIDC, claims: Readonly<Record<string, unknown>>) => void;
}

/**
 * Request objects (RFC 9101), by value: the parameter `request` holds a JWT that the client signed, and nothing beside it
 * counts. By reference only what was pushed to this server: it fetches no `request_uri` (§10.4).
 */
export const requestObjectSettings = ({ onAccepted }: RequestObjectDeps): Slice => ({
  enabledJWA: { requestObjectSigningAlgValues: [...SIGNING_ALGS] },
  features: {
    requestObjects: {
      enabled: true,
      assertJwtClaimsAndHeader(ctx, claims) {
        requireClaims(ctx, claims);
        onAccepted(ctx, claims);
      },
    },
  },
});

/** What asks for more than RFC 9101 does: CIBA Core §7.1.1 and FAPI 2.0 Message Signing §5.3.1. The engine's own check, in words. */
function requireClaims(ctx: KoaContextWithOIDC, claims: Readonly<Record<string, unknown>>): void {
  const strict = ctx.oidc.isFapi('1.0 Final', '2.0') !== undefined;
  const required = [
    ...(strict ? ['exp', 'aud', 'nbf'] : []),
    ...(ctx.oidc.route === 'backchannel_authentication' ? ['exp', 'iat', 'nbf', 'jti'] : []),
  ];
  const missing = required.filter((name) => claims[name] === undefined);
  if (missing.length > 0) {
    throw new errors.InvalidRequestObject(`the request object lacks ${[...new Set(missing)].join(', ')}`);
  }
  const seconds = Number(claims.exp) - Number(claims.nbf);
  if (strict && !(seconds > 0 && seconds <= 3600)) {
    throw new errors.InvalidRequestObject('the request object is valid for more than an hour, from nbf to exp');
  }
}
