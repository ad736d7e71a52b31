import { decode, encode, Refusal, sha256 } from './client.js';

/**
 * ID token validation: OpenID Connect Core §3.1.3.7 for the token endpoint, §3.2.2.11 for the implicit answer, where
 * at_hash is required, and §12.2 for a refresh, where the nonce may be missing. Returns the claims and what was checked.
 */
export async function verifyIdToken(idToken, expected) {
  const { claims, checks } = await check(idToken, expected).catch(() => ({
    claims: {},
    checks: { 'well-formed': false },
  }));
  const failed = Object.keys(checks).filter((name) => !checks[name]);
  if (failed.length > 0) {
    throw new Refusal({
      title: 'The ID token did not pass the client’s checks',
      error: 'invalid_id_token',
      errorDescription: `not true: ${failed.join(', ')}`,
      advice: 'A client must not use an answer like this one.',
    });
  }
  return { claims, checks: Object.keys(checks) };
}

async function check(idToken, { metadata, keys, clientId, nonce, accessToken, origin }) {
  const [head, payload, signature] = idToken.split('.');
  const claims = readPart(payload);
  const checks = {
    'signature of the issuer': await verifySignature(readPart(head), `${head}.${payload}`, decode(signature), keys),
    'iss is the issuer': claims.iss === metadata.issuer,
    'aud is this client': [claims.aud].flat().includes(clientId),
    'not expired': claims.exp > Date.now() / 1000 - 30,
  };
  if (origin !== 'refresh' || claims.nonce !== undefined) {
    checks['nonce is the one that was sent'] = claims.nonce === nonce;
  }
  if (accessToken !== undefined && (origin === 'fragment' || claims.at_hash !== undefined)) {
    checks['at_hash belongs to the access token'] = claims.at_hash === encode((await sha256(accessToken)).slice(0, 16));
  }
  return { claims, checks };
}

const readPart = (part) => JSON.parse(new TextDecoder().decode(decode(part)));

const ALGORITHMS = {
  RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  PS256: { name: 'RSA-PSS', hash: 'SHA-256', saltLength: 32 },
  ES256: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
};

async function verifySignature({ alg, kid }, signed, signature, keys) {
  const algorithm = ALGORITHMS[alg];
  const key = keys.find((candidate) => candidate.kid === kid);
  if (!algorithm || !key) {
    return false;
  }
  const publicKey = await crypto.subtle.importKey('jwk', key, algorithm, false, ['verify']);
  return crypto.subtle.verify(algorithm, publicKey, signature, new TextEncoder().encode(signed));
}
