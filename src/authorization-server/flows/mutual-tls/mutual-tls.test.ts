import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createAuthority, createSelfSigned } from '../../../testing/certificates.ts';
import { isSubject } from './certificate-subject.ts';
import { readCertificate } from './client-certificate.ts';

const authority = await createAuthority('Authority');

async function certificateOf(subject: string, ...names: { type: 'dns' | 'url' | 'ip' | 'email'; value: string }[]) {
  return new X509Certificate((await authority.issue({ subject, names })).cert);
}

/** The certificate has the parts of a name in the order in which they are written here; RFC 4514 begins at the end. */
describe('the subject of a certificate', () => {
  it.each([
    ['CN=client', 'CN=client'],
    ['C=GB,O=Example,CN=client', 'CN=client,O=Example,C=GB'],
    ['C=GB,O=Example,CN=client', 'cn=client, o=Example , c=GB'],
    ['CN=client', '2.5.4.3=client'],
    ['CN=Bücher\\, Söhne', 'CN=B\\C3\\BCcher\\, S\\C3\\B6hne'],
    ['CN=a\\+b\\=c', 'CN=a\\+b\\3Dc'],
    ['O=Example\\, Inc.,CN=client', 'CN=client,O=Example\\, Inc.'],
    ['DC=com,DC=example,0.9.2342.19200300.100.1.1=42', 'uid=42,dc=example,dc=com'],
    ['E=a@example.com', '1.2.840.113549.1.9.1=a@example.com'],
  ])('%j is the same name as %j', async (subject, expected) => {
    expect(isSubject(await certificateOf(subject), 'tls_client_auth_subject_dn', expected)).toBe(true);
  });

  it.each([
    ['CN=client,O=Example', 'CN=client'],
    ['CN=client', 'CN=client,O=Example'],
    ['CN=client,O=Example', 'CN=client,O=Example'],
    ['CN=client', 'CN=Client'],
    ['CN=client', 'O=client'],
    ['CN=a\\,O\\=b', 'CN=a,O=b'],
    ['CN=a,O=b', 'CN=a\\,O\\=b'],
    ['CN=client', ''],
    ['CN=client', 'client'],
    ['CN=client', 'CN=client,'],
    ['CN=client', 'CN=#0c06636c69656e74'],
  ])('%j is another name than %j', async (subject, expected) => {
    expect(isSubject(await certificateOf(subject), 'tls_client_auth_subject_dn', expected)).toBe(false);
  });
});

describe('the alternative names of a certificate', () => {
  it.each([
    ['dns', 'tls_client_auth_san_dns', 'client.example.com', 'Client.Example.com'],
    ['url', 'tls_client_auth_san_uri', 'urn:example:client', 'urn:example:client'],
    ['url', 'tls_client_auth_san_uri', 'https://example.com/a,b', 'https://example.com/a,b'],
    ['ip', 'tls_client_auth_san_ip', '192.0.2.7', '192.0.2.7'],
    ['ip', 'tls_client_auth_san_ip', '2001:db8::7', '2001:0DB8:0:0::7'],
    ['email', 'tls_client_auth_san_email', 'client@example.com', 'client@example.com'],
  ] as const)('%s: %s %s is %s', async (type, property, value, expected) => {
    const certificate = await certificateOf('CN=x', { type: 'dns', value: 'first.example.com' }, { type, value });
    expect(isSubject(certificate, property, expected)).toBe(true);
    expect(isSubject(certificate, property, `${expected}x`)).toBe(false);
    expect(isSubject(await certificateOf(`CN=client`), property, expected)).toBe(false);
  });

  it('C103: are compared with whatever a client has registered', async () => {
    const certificate = await certificateOf('CN=x', { type: 'ip', value: '2001:db8::7' });
    for (const expected of ['fe80::1%eth0', '::ffff:1.2.3.4%', '[::1]', '']) {
      expect(isSubject(certificate, 'tls_client_auth_san_ip', expected)).toBe(false);
    }
  });

  it('count as what they are, whatever stands in them', async () => {
    const sly = [
      { type: 'url' as const, value: 'urn:a, DNS:client.example.com' },
      { type: 'email' as const, value: 'a", DNS:client.example.com' },
      { type: 'dns' as const, value: 'x.example.com, DNS:client.example.com' },
    ];
    for (const name of sly) {
      const certificate = await certificateOf('CN=x', name);
      expect(isSubject(certificate, 'tls_client_auth_san_dns', 'client.example.com')).toBe(false);
    }
    const named = await certificateOf('CN=client.example.com', { type: 'email', value: 'client.example.com' });
    expect(isSubject(named, 'tls_client_auth_san_dns', 'client.example.com')).toBe(false);
  });
});

describe('a certificate in a header', async () => {
  const { cert } = await createSelfSigned('CN=client');
  const { raw } = new X509Certificate(cert);
  const base64 = raw.toString('base64');

  it.each([
    ['PEM in URL encoding, as nginx sends it', encodeURIComponent(cert)],
    ['RFC 9440', `:${base64}:`],
    ['base64', base64],
  ])('is read: %s', (_, value) => {
    expect(readCertificate(value)?.raw).toEqual(raw);
  });

  it.each([
    ['nothing', ''],
    ['rubbish', 'rubbish'],
    ['no URL encoding', '%'],
    ['a part of one', base64.slice(0, 100)],
    ['two of them', encodeURIComponent(cert + cert)],
    ['a list (RFC 9440 has none for the client itself)', `:${base64}:, :${base64}:`],
    ['(null), as nginx says', '(null)'],
  ])('is not read: %s', (_, value) => {
    expect(readCertificate(value)).toBeUndefined();
  });
});
