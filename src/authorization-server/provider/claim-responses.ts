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
    claimsParameter: { enabled: true },
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
