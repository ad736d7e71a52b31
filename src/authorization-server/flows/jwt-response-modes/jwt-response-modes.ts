import { CLIENT_ENCRYPTION_ALGS, CLIENT_ENCRYPTION_ENCS, OUR_SIGNING_ALGS } from '../../clients/metadata.ts';
import type { Slice } from '../slice.ts';

/**
 * JWT Secured Authorization Response Mode (JARM): the answer comes as one signed JWT, for which a client asks with
 * `response_mode` `jwt`, `query.jwt`, `fragment.jwt` or `form_post.jwt`. Encrypted too, where its registration says so.
 *
 * The issuer is inside, as `iss` (RFC 9207 §2.4 wants it nowhere else then), and so is the `state`.
 */
export const jwtResponseModeSettings = (): Slice => ({
  features: { jwtResponseModes: { enabled: true } },
  enabledJWA: {
    authorizationSigningAlgValues: [...OUR_SIGNING_ALGS],
    authorizationEncryptionAlgValues: [...CLIENT_ENCRYPTION_ALGS],
    authorizationEncryptionEncValues: [...CLIENT_ENCRYPTION_ENCS],
  },
});
