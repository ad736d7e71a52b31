import type { Slice } from '../slice.ts';
import { isSubject } from './certificate-subject.ts';
import { headerOf, readCertificate } from './client-certificate.ts';

export interface MutualTlsDeps {
  readonly mutualTls: {
    /** In which the proxy passes on the client's certificate; `null` where there is no mutual TLS. */
    readonly header: string | null;
    /** In which it says whether the certificate comes from an authority that it trusts. */
    readonly verifiedHeader: string | null;
  };
  /** A header is the word of whoever connects, unless that is a proxy of ours. */
  readonly trustedProxies: number;
}

/** What nginx says in `$ssl_client_verify`. */
const VERIFIED = 'SUCCESS';

/**
 * Mutual TLS (RFC 8705): clients that authenticate by a certificate, of an authority (§2.1) or self-signed (§2.2), and tokens
 * that are bound to it (§3). TLS ends at a proxy, which passes the certificate on in a header.
 */
export function mutualTlsSettings({ mutualTls: { header, verifiedHeader }, trustedProxies }: MutualTlsDeps): Slice {
  if (header === null || trustedProxies === 0) {
    // Carried along, so that a client which must have bound tokens gets none instead of others (provider/clients.ts).
    return { extraClientMetadata: { properties: ['tls_client_certificate_bound_access_tokens'] } };
  }
  const certificateIn = ({ req }: Parameters<GetCertificate>[0]) => {
    const value = headerOf(req, header);
    return value === undefined ? undefined : readCertificate(value);
  };
  return {
    clientAuthMethods: [
      'self_signed_tls_client_auth',
      ...(verifiedHeader === null ? [] : (['tls_client_auth'] as const)),
    ],
    features: {
      mTLS: {
        enabled: true,
        certificateBoundAccessTokens: true,
        selfSignedTlsClientAuth: true,
        tlsClientAuth: verifiedHeader !== null,
        getCertificate: certificateIn,
        certificateAuthorized: ({ req }) => verifiedHeader !== null && headerOf(req, verifiedHeader) === VERIFIED,
        certificateSubjectMatches(ctx, property, expected) {
          const certificate = certificateIn(ctx);
          return certificate !== undefined && isSubject(certificate, property, expected);
        },
      },
    },
  };
}

type GetCertificate = NonNullable<NonNullable<NonNullable<Slice['features']>['mTLS']>['getCertificate']>;
