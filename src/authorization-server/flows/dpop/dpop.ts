import { CLIENT_SIGNING_ALGS } from '../../clients/metadata.ts';
import type { Slice } from '../slice.ts';

/**
 * Demonstrating proof of possession (RFC 9449): a client that sends a proof gets a token that is bound to its key, and one
 * whose registration says `dpop_bound_access_tokens` gets no other.
 *
 * A proof counts once, at whichever node, and for five minutes. Every answer offers a nonce; it is demanded where the time of
 * a proof is off, so a client with a wrong clock works too (§8), and others are spared the second request. All nodes
 * share the secret of the nonces.
 */
export const dpopSettings = ({ nonceSecret }: { readonly nonceSecret: Buffer }): Slice => ({
  features: { dPoP: { enabled: true, nonceSecret, requireNonce: () => false } },
  enabledJWA: { dPoPSigningAlgValues: [...CLIENT_SIGNING_ALGS] },
});
