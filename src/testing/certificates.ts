import 'reflect-metadata';
import { X509Certificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { exportJWK, type JWK } from 'jose';

x509.cryptoProvider.set(crypto);

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const HOUR = 3_600_000;

export interface Certificate {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
  /** As a client registers it: RFC 8705 §2.2.2. */
  readonly jwk: JWK & { readonly x5c: string[] };
  /** RFC 8705 §3.1: what tokens bound to it carry. */
  readonly thumbprint: string;
}

interface Names {
  /** Each part in the order in which the certificate has it. */
  readonly subject: string;
  readonly names?: readonly { readonly type: 'dns' | 'url' | 'ip' | 'email'; readonly value: string }[];
}

export type Authority = Awaited<ReturnType<typeof createAuthority>>;

/** A certificate authority of the tests' own. */
export async function createAuthority(name: string) {
  const keys = await createKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity(),
    name: `CN=${name}`,
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
  });
  return {
    cert: certificate.toString('pem'),
    async issue({ subject, names = [] }: Names): Promise<Certificate> {
      const own = await createKeys();
      const issued = await x509.X509CertificateGenerator.create({
        ...validity(),
        subject,
        issuer: certificate.subject,
        publicKey: own.publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: ALGORITHM,
        extensions: names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension([...names])],
      });
      return describe(issued, own);
    },
  };
}

export async function createSelfSigned(subject: string): Promise<Certificate> {
  const keys = await createKeys();
  const certificate = { ...validity(), name: subject, keys, signingAlgorithm: ALGORITHM };
  return describe(await x509.X509CertificateGenerator.createSelfSigned(certificate), keys);
}

async function describe(certificate: x509.X509Certificate, keys: CryptoKeyPair): Promise<Certificate> {
  const cert = certificate.toString('pem');
  const bytes = new X509Certificate(cert).raw;
  const exported = await crypto.subtle.exportKey('pkcs8', keys.privateKey);
  return {
    cert,
    key: x509.PemConverter.encode(exported, 'PRIVATE KEY'),
    jwk: { ...(await exportJWK(keys.publicKey)), x5c: [bytes.toString('base64')] },
    thumbprint: Buffer.from(await crypto.subtle.digest('SHA-256', new Uint8Array(bytes))).toString('base64url'),
  };
}

function createKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

function validity() {
  const now = Date.now();
  return {
    serialNumber: crypto.randomUUID().replaceAll('-', ''),
    notBefore: new Date(now - HOUR),
    notAfter: new Date(now + HOUR),
  };
}
