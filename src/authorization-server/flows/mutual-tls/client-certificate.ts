import { X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** The one value of a header; `undefined` when there is none, and when there are several: then nobody knows whose each is. */
export function headerOf(request: IncomingMessage, header: string): string | undefined {
  const values = request.headersDistinct[header.toLowerCase()] ?? [];
  return values.length === 1 ? values[0] : undefined;
}

/**
 * A certificate as proxies pass it on: PEM in URL encoding (nginx, `$ssl_client_escaped_cert`), or its bytes in base64, with
 * colons around (RFC 9440 §2.1) or without. `undefined` for what is none, and for several in one.
 */
export function readCertificate(value: string): X509Certificate | undefined {
  try {
    const base64 = decodeURIComponent(value).replace(/^:|:$|-----(BEGIN|END) CERTIFICATE-----|\s/g, '');
    const bytes = Buffer.from(base64, 'base64');
    const certificate = new X509Certificate(bytes);
    // Node reads the first one and no further, and takes base64 for what it is not.
    return /^[A-Za-z0-9+/]+={0,2}$/.test(base64) && certificate.raw.equals(bytes) ? certificate : undefined;
  } catch {
    return undefined;
  }
}
