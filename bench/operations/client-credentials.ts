import { decodeProtectedHeader } from 'jose';
import { JWT_API, MACHINES } from '../directory.ts';
import { Connection } from '../load/connection.ts';
import { expectStatus, jsonOf, pick, postForm } from '../load/requests.ts';
import type { Scenario, Target } from '../load/scenario.ts';
import type { Operation } from './operation.ts';

const opaqueRequest = () =>
  postForm('/token', { grant_type: 'client_credentials', scope: 'records:read' }, pick(MACHINES));
const jwtRequest = () =>
  postForm('/token', { grant_type: 'client_credentials', scope: 'jwt:read', resource: JWT_API }, pick(MACHINES));

export const clientCredentials: Operation = {
  name: 'client-credentials',
  title: 'client credentials, opaque',
  contenders: ['P', 'P x2', 'S', 'M', 'B0', 'F'],
  scenario: () => issuing(opaqueRequest),
};

export const clientCredentialsJwt: Operation = {
  name: 'client-credentials-jwt',
  title: 'client credentials, JWT with ES256',
  contenders: ['P', 'M', 'B0', 'F'],
  scenario: (target) => ({ ...issuing(jwtRequest), prepare: () => expectEs256(target) }),
};

function issuing(request: () => string): Scenario {
  return {
    request,
    async perform(connection) {
      expectStatus(await connection.exchange(request()), 200);
      return true;
    },
  };
}

/** RSA would be another contest. */
async function expectEs256({ name, port }: Target): Promise<void> {
  const connection = new Connection(port);
  const answer = await connection.exchange(jwtRequest());
  connection.close();
  const { access_token } = jsonOf<{ access_token: string }>(expectStatus(answer, 200));
  const { alg } = decodeProtectedHeader(access_token);
  if (alg !== 'ES256') {
    throw new Error(`${name} signs access tokens with ${alg}`);
  }
}
