import { hash, X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';

/**
 * From where the certificate of a client is known: from the TLS connection itself, or from a header that a proxy in front sets.
 * Anyone else can send that header, too: the proxy has to drop what clients say in it, and nobody may get past the proxy.
 */
export type CertificateSource = 'tls' | { readonly header: string };

/**
 * RFC 8705 §3.1: the thumbprint that a token bound to the client's certificate carries. Who has issued the certificate does not
 * matter: that the client has its key is what the handshake has shown.
 */
export function certificateThumbprint(request: IncomingMessage, source: CertificateSource): string | undefined {
  const bytes = source === 'tls' ? certificateOf(request) : certificateIn(request, source.header);
  return bytes && hash('sha256', bytes, 'base64url');
}

function certificateOf({ socket }: IncomingMessage): Buffer | undefined {
  return (socket as Partial<TLSSocket>).getPeerX509Certificate?.()?.raw;
}

/**
 * As proxies pass it on: PEM in URL encoding (nginx, `$ssl_client_escaped_cert`), or its bytes in base64, with colons around
 * (RFC 9440 §2.1) or without. Several headers, or several certificates in one, are worth nothing.
 */
function certificateIn({ headersDistinct }: IncomingMessage, header: string): Buffer | undefined {
  const [value, ...others] = headersDistinct[header.toLowerCase()] ?? [];
  if (value === undefined || others.length > 0) {
    return undefined;
  }
  try {
    const base64 = decodeURIComponent(value).replace(/^:|:$|-----(BEGIN|END) CERTIFICATE-----|\s/g, '');
    const bytes = Buffer.from(base64, 'base64');
    // Node reads the first certificate and no further, and takes base64 for what it is not.
    const isOne = /^[A-Za-z0-9+/]+={0,2}$/.test(base64) && new X509Certificate(bytes).raw.equals(bytes);
    return isOne ? bytes : undefined;
  } catch {
    return undefined;
  }
}
