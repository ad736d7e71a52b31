import { createHash, randomUUID } from 'node:crypto';
import { calculateJwkThumbprint, SignJWT } from 'jose';
import type { TestServer } from './authorization-server.ts';
import {
  type Answer,
  basicAuth,
  createRelyingParty,
  encode,
  type Parameters,
  send,
  type TestClient,
  tokensOf,
} from './relying-party.ts';
import type { ClientKey } from './request-object.ts';

export interface ProofOf {
  readonly method?: string;
  readonly url: string;
  readonly accessToken?: string;
}

/** RFC 9449 §4.2: a proof of possession; `claims` and `header` go over what belongs in it, `undefined` leaves it out. */
export async function createProof(
  key: ClientKey,
  { method = 'POST', url, accessToken }: ProofOf,
  claims: Readonly<Record<string, unknown>> = {},
  header: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const { kty, crv, x, y, n, e } = key.jwk;
  const ath = accessToken && createHash('sha256').update(accessToken).digest('base64url');
  const proof = { htm: method, htu: url, iat: Math.floor(Date.now() / 1000), jti: randomUUID(), ath, ...claims };
  const jwk = { kty, crv, x, y, n, e };
  return new SignJWT(JSON.parse(JSON.stringify(proof)))
    .setProtectedHeader(JSON.parse(JSON.stringify({ alg: key.alg, typ: 'dpop+jwt', jwk, ...header })))
    .sign(key.privateKey);
}

/** RFC 9449 §6.1: the `jkt` that tokens bound to this key carry. */
export const thumbprintOf = (key: ClientKey): Promise<string> => calculateJwkThumbprint(key.jwk);

interface Sent {
  readonly client: TestClient;
  /** A key to prove, a proof as it is, or none. */
  readonly proof?: ClientKey | string | undefined;
  /** Another address of the server. */
  readonly node?: string | undefined;
}

/** Token requests with proofs. */
export function createProver(server: TestServer) {
  async function requestToken(parameters: Parameters, { client, proof, node = server.issuer }: Sent): Promise<Answer> {
    const dpop = typeof proof === 'object' ? await createProof(proof, { url: server.url('/token') }) : proof;
    const { clientId, secret } = client;
    const headers = {
      ...(secret === undefined ? {} : { authorization: basicAuth(clientId, secret) }),
      ...(dpop === undefined ? {} : { dpop }),
    };
    const body = encode({ ...(secret === undefined ? { client_id: clientId } : {}), ...parameters });
    return send(`${node}/token`, { method: 'POST', headers, body });
  }

  function exchange({ code, verifier }: { readonly code: string; readonly verifier: string }, sent: Sent) {
    const grant = { grant_type: 'authorization_code', code, code_verifier: verifier };
    return requestToken({ ...grant, redirect_uri: sent.client.redirectUri }, sent);
  }

  return {
    requestToken,
    exchange,
    refresh: (token: string, sent: Sent) => requestToken({ grant_type: 'refresh_token', refresh_token: token }, sent),
    /** Signs Alice in, and exchanges the code with a proof. */
    async obtainTokens(client: TestClient, parameters: Parameters, proof: ClientKey) {
      return tokensOf(
        await exchange(await createRelyingParty(server.issuer, client).authorize(parameters), { client, proof }),
      );
    },
  };
}

export type Prover = ReturnType<typeof createProver>;
