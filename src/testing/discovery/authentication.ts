import { basicAuth, encode, type Parameters, send } from '../relying-party.ts';
import type { ListExercise } from './exercise.ts';
import { createParty, REDIRECT_URI, type World } from './party.ts';

const SECRET = 'a-secret-of-the-party-that-is-long-enough';

const METHODS = [
  'client_secret_basic',
  'client_secret_post',
  'client_secret_jwt',
  'private_key_jwt',
  'tls_client_auth',
  'self_signed_tls_client_auth',
  'none',
];

/** A client that authenticates this way, and how it does. */
async function authenticating(world: World, method: string, registration: Record<string, unknown>) {
  const secret = method.startsWith('client_secret') ? { client_secret: SECRET } : {};
  const subject = method === 'tls_client_auth' ? { tls_client_auth_subject_dn: 'CN=party' } : {};
  const own = method === 'private_key_jwt' ? {} : { token_endpoint_auth_method: method };
  const party = await createParty(world, { ...secret, ...subject, ...own, ...registration });
  const basic = { authorization: basicAuth(party.clientId, SECRET) };
  return {
    party,
    post: (url: string, parameters: Parameters) =>
      method === 'client_secret_basic'
        ? send(url, { method: 'POST', headers: basic, body: encode(parameters) })
        : party.post(url, { ...(method === 'client_secret_post' && secret), ...parameters }),
  };
}

/** What a client of this method gets at the token endpoint for itself, or for a person where it has no credentials. */
export const atTheTokenEndpoint: ListExercise = {
  others: METHODS,
  async works(world, method) {
    const grant_types = method === 'none' ? ['authorization_code'] : ['client_credentials'];
    const response_types = method === 'none' ? ['code'] : [];
    const bare = { grant_types, response_types, scope: method === 'none' ? 'openid' : 'records:read' };
    const { party, post } = await authenticating(world, method, bare);
    return method === 'none'
      ? (await party.tokens()).access_token
      : (await post(party.endpoint('token_endpoint'), { grant_type: 'client_credentials', scope: 'records:read' })).body
          .access_token;
  },
};

const ONLY_INTROSPECTS = { grant_types: [], response_types: [], redirect_uris: [], scope: undefined };

/** By a client that does nothing else, which no profile is about. */
export const atIntrospection: ListExercise = {
  others: METHODS,
  async works(world, method) {
    const { party, post } = await authenticating(world, method, ONLY_INTROSPECTS);
    return (await post(party.endpoint('introspection_endpoint'), { token: 'unknown' })).body.active === false;
  },
};

export const atRevocation: ListExercise = {
  others: METHODS,
  async works(world, method) {
    const registration = {
      grant_types: ['authorization_code'],
      response_types: ['code'],
      redirect_uris: [REDIRECT_URI],
    };
    const { party, post } = await authenticating(world, method, registration);
    return (await post(party.endpoint('revocation_endpoint'), { token: 'unknown' })).status === 200;
  },
};
