import { randomBytes } from 'node:crypto';
import type { Client } from '../../authorization-server/clients/client.ts';
import { OPENID_SCOPES } from '../../authorization-server/resources/scope-policy.ts';
import { PostgresClientStore } from '../../authorization-server/storage/clients.ts';
import { revokeByClientId } from '../../authorization-server/storage/revocation-statements.ts';
import type { Instance } from '../instance.ts';
import { NewClient, type TestClient } from '../protocol.ts';
import { ControlError } from './control-error.ts';
import { parsed, type Route } from './route.ts';

export const clientRoutes: readonly Route[] = [
  { method: 'POST', path: '/clients', answer: (instance, { body }) => create(instance, parsed(NewClient, body)) },
  {
    method: 'GET',
    path: '/clients',
    answer: async ({ pool }) => (await Array.fromAsync(new PostgresClientStore(pool).vouchedFor())).map(described),
  },
  {
    method: 'DELETE',
    path: '/clients/:client',
    async answer({ pool, server }, { parameters: { client = '' } }) {
      if (!(await new PostgresClientStore(pool).deleteClient(client))) {
        throw new ControlError(404, `There is no client ${client}.`);
      }
      await pool.query(revokeByClientId(client));
      await server.confirmDirectory();
    },
  },
];

const CODE = 'authorization_code';

/** Flows that send the browser back. */
const REDIRECTING = [CODE, 'implicit'];

async function create(instance: Instance, wanted: NewClient): Promise<TestClient> {
  const clientId = wanted.client_id ?? `client-${randomBytes(5).toString('hex')}`;
  const store = new PostgresClientStore(instance.pool);
  if (typeof clientId === 'string' && (await store.findClient(clientId)) !== undefined) {
    throw new ControlError(409, `There is a client ${clientId} already.`);
  }
  const entry = { ...(await unsaid(instance, wanted)), ...wanted, client_id: clientId };
  await instance.apply({ clients: [entry] });
  const saved = await store.findClient(String(clientId));
  if (saved === undefined) {
    throw new Error('a client that was saved is not there');
  }
  const { client_secret: clientSecret } = entry as { client_secret?: string };
  return { ...described(saved), ...(clientSecret === undefined ? {} : { clientSecret }) };
}

/** What makes a client that can do something out of what was said of it. */
async function unsaid({ server }: Instance, wanted: NewClient): Promise<NewClient> {
  const { grant_types = [CODE, 'refresh_token'], token_endpoint_auth_method: method } = wanted;
  const grantTypes: readonly unknown[] = Array.isArray(grant_types) ? grant_types : [];
  const resourceServers = await server.stores.resources.listResourceServers();
  const apiScopes = resourceServers.flatMap(({ scopes }) => scopes.map(({ name }) => name));
  const usesSecret = method === undefined || (typeof method === 'string' && method.startsWith('client_secret'));
  return {
    client_name: 'Test client',
    grant_types,
    response_types: grantTypes.includes(CODE) ? ['code'] : [],
    scope: [...new Set([...OPENID_SCOPES, ...apiScopes])].join(' '),
    ...(usesSecret ? { client_secret: randomBytes(24).toString('base64url') } : {}),
    ...(grantTypes.some((one) => REDIRECTING.includes(String(one)))
      ? { redirect_uris: ['http://localhost:8080/callback'] }
      : {}),
  };
}

function described({ clientId, metadata }: Client): TestClient {
  return { clientId, metadata };
}
