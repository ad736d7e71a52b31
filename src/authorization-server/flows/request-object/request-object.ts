import { type Client, errors, type KoaContextWithOIDC } from 'oidc-provider';
import { CLIENT_ENCRYPTION_ENCS, CLIENT_SIGNING_ALGS, OUR_ENCRYPTION_ALGS } from '../../clients/metadata.ts';
import { isAllowed, type Profile } from '../../profiles/profile.ts';
import type { Slice } from '../slice.ts';

export interface RequestObjectDeps {
  /** Told of every request object, also of what was pushed, before anything in it is acted upon. */
  readonly onAccepted: (ctx: KoaContextWithOIDC, claims: Readonly<Record<string, unknown>>) => void;
  readonly profileOf: (client: Client) => Profile;
}

/**
 * Request objects (RFC 9101), by value: the parameter `request` holds a JWT that the client signed, and nothing beside it
 * counts. By reference only what was pushed to this server: it fetches no `request_uri` (§10.4).
 *
 * One that is to be read by nobody on the way is encrypted besides, to the key with `use` `enc` among those published.
 */
export const requestObjectSettings = ({ onAccepted, profileOf }: RequestObjectDeps): Slice => ({
  enabledJWA: {
    requestObjectSigningAlgValues: [...CLIENT_SIGNING_ALGS],
    requestObjectEncryptionAlgValues: [...OUR_ENCRYPTION_ALGS],
    requestObjectEncryptionEncValues: [...CLIENT_ENCRYPTION_ENCS],
  },
  features: {
    requestObjects: {
      enabled: true,
      assertJwtClaimsAndHeader(ctx, claims, { alg }, client) {
        // What was pushed as plain parameters is kept as an object that nobody signed.
        if (alg !== 'none' && !isAllowed(profileOf(client).signingAlgs, String(alg))) {
          throw new errors.InvalidRequestObject(
            `${profileOf(client).name} does not allow a request object to be signed with ${alg}`,
          );
        }
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
