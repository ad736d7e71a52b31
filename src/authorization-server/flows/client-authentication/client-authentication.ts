import { type Client, errors } from 'oidc-provider';
import { CLIENT_SIGNING_ALGS } from '../../clients/metadata.ts';
import { isAllowed, type Profile } from '../../profiles/profile.ts';
import type { Slice } from '../slice.ts';

export interface ClientAuthenticationDeps {
  readonly profileOf: (client: Client) => Profile;
}

/** Seconds. Clients write minutes; every assertion that was used is remembered until it ends. */
const LONGEST_ASSERTION = 3600;

/**
 * Client authentication (RFC 6749 §2.3) by a secret, or by an assertion that the client signs: private_key_jwt (RFC 7523
 * §2.2, OpenID Connect Core §9). By certificate: flows/mutual-tls.
 *
 * Secrets are kept as hashes, so none can sign: no client_secret_jwt, and no HS* anywhere. The engine checks the claims and
 * uses an assertion up once; that this holds at all nodes at once is the doing of storage (`firstUse`).
 */
export const clientAuthenticationSettings = ({ profileOf }: ClientAuthenticationDeps): Slice => ({
  clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'],
  enabledJWA: { clientAuthSigningAlgValues: [...CLIENT_SIGNING_ALGS] },
  assertJwtClientAuthClaimsAndHeader: (ctx, { aud, exp }, { alg }, client) => {
    const ours = (ctx.oidc as unknown as ClientAudience).clientJwtAuthExpectedAudience();
    // For one of several is enough for the engine. Another of them could present it here, and it is for nobody else.
    if ([aud].flat().some((one) => !ours.has(one))) {
      throw new errors.InvalidClientAuth('the assertion is for another server, too');
    }
    if (Number(exp) > Date.now() / 1000 + LONGEST_ASSERTION) {
      throw new errors.InvalidClientAuth(`the assertion is good for more than ${LONGEST_ASSERTION} seconds`);
    }
    holdToProfile(profileOf(client), { aud, alg, issuer: ctx.oidc.issuer });
  },
});

function holdToProfile(
  { fapi, signingAlgs, name }: Profile,
  { aud, alg, issuer }: { aud: unknown; alg: unknown; issuer: string },
) {
  // FAPI 2.0 §5.3.2.1: an endpoint's address may be shared by what stands in front of several servers.
  if (fapi && aud !== issuer) {
    throw new errors.InvalidClientAuth(`${name} wants the issuer as the audience of the assertion, and nothing else`);
  }
  if (!isAllowed(signingAlgs, String(alg))) {
    throw new errors.InvalidClientAuth(`${name} does not allow an assertion to be signed with ${alg}`);
  }
}

/** The issuer, the token endpoint, and the endpoint that is asked. The types lack it. */
interface ClientAudience {
  clientJwtAuthExpectedAudience(): ReadonlySet<unknown>;
}
