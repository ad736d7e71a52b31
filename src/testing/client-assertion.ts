import { randomUUID } from 'node:crypto';
import { type JWTHeaderParameters, SignJWT } from 'jose';
import type { Parameters } from './relying-party.ts';
import type { ClientKey } from './request-object.ts';

/** RFC 7523 §2.2: by which a client authenticates; what is given goes over what belongs in it, `undefined` leaves it out. */
export async function signAssertion(
  { issuer, clientId, key }: { issuer: string; clientId: string; key: ClientKey },
  claims: Readonly<Record<string, unknown>> = {},
  header: Partial<JWTHeaderParameters> = {},
): Promise<Parameters> {
  const now = Math.floor(Date.now() / 1000);
  const assertion = { iss: clientId, sub: clientId, aud: issuer, iat: now, exp: now + 60, jti: randomUUID() };
  const payload = Object.fromEntries(
    Object.entries({ ...assertion, ...claims }).filter(([, value]) => value !== undefined),
  );
  const signed = new SignJWT(payload).setProtectedHeader({ alg: key.alg, kid: key.jwk.kid ?? '', ...header });
  return asParameters(await signed.sign(key.privateKey));
}

export const asParameters = (assertion: string): Parameters => ({
  client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
  client_assertion: assertion,
});
