import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { createPkce, type Pkce } from './relying-party.ts';

/** A client's key, as it registers and as it uses it. */
export async function createClientKey(alg = 'ES256') {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const jwk: JWK = { ...(await exportJWK(publicKey)), kid: `client-${alg}`, use: 'sig', alg };
  return { alg, privateKey, jwk };
}

export type ClientKey = Awaited<ReturnType<typeof createClientKey>>;

/** RFC 9101 §4: an authorization code request as a JWT; `claims` go over what belongs in it, `undefined` leaves it out. */
export function signRequest(
  { issuer, client, key }: { issuer: string; client: { clientId: string; redirectUri: string }; key: ClientKey },
  claims: Readonly<Record<string, unknown>> = {},
  pkce: Pkce = createPkce(),
): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const request = {
    iss: client.clientId,
    aud: issuer,
    iat: now,
    nbf: now,
    exp: now + 60,
    client_id: client.clientId,
    response_type: 'code',
    redirect_uri: client.redirectUri,
    state: 'a-state',
    code_challenge: pkce.challenge,
    code_challenge_method: 'S256',
  };
  const payload = Object.fromEntries(
    Object.entries({ ...request, ...claims }).filter(([, value]) => value !== undefined),
  );
  const header = { alg: key.alg, kid: key.jwk.kid ?? '', typ: 'oauth-authz-req+jwt' };
  return new SignJWT(payload).setProtectedHeader(header).sign(key.privateKey);
}
