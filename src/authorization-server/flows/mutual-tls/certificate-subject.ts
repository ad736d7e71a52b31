import type { X509Certificate } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { isSameName } from './distinguished-name.ts';

/** RFC 8705 §2.1.2: by which of its names a client is registered, and how Node calls that kind of name. */
const ALTERNATIVE_NAMES: Readonly<Record<string, string>> = {
  tls_client_auth_san_dns: 'DNS',
  tls_client_auth_san_uri: 'URI',
  tls_client_auth_san_ip: 'IP Address',
  tls_client_auth_san_email: 'email',
};

/** Is it the certificate of the client that is registered with this value? */
export function isSubject(certificate: X509Certificate, property: string, expected: string): boolean {
  if (property === 'tls_client_auth_subject_dn') {
    return isSameName(certificate.subject ?? '', expected);
  }
  const kind = ALTERNATIVE_NAMES[property];
  return alternativeNames(certificate.subjectAltName ?? '').some(
    (name) => name.kind === kind && normal(name.kind, name.value) === normal(name.kind, expected),
  );
}

interface AlternativeName {
  readonly kind: string;
  readonly value: string;
}

/** Node puts a name in quotes that could be taken for several. What cannot be read to the end has no names at all. */
function alternativeNames(text: string): AlternativeName[] {
  const names: AlternativeName[] = [];
  const next = /([^:,"]+):("(?:[^"\\]|\\.)*"|[^,"]*)(?:, |$)/y;
  while (next.lastIndex < text.length) {
    const [, kind = '', value = ''] = next.exec(text) ?? [];
    if (kind === '') {
      return [];
    }
    names.push({ kind, value: value.startsWith('"') ? JSON.parse(value) : value });
  }
  return names;
}

function normal(kind: string, value: string): string {
  if (kind === 'DNS') {
    return value.toLowerCase();
  }
  // One with a zone, which a client may have registered, is no host of a URL.
  return kind === 'IP Address' && isIPv6(value) ? (URL.parse(`https://[${value}]`)?.host ?? value) : value;
}
