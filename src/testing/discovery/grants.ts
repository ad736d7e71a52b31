import { DEMO_PASSWORD } from '../user-agent.ts';
import type { ListExercise } from './exercise.ts';
import { createParty, type Party, type World } from './party.ts';

const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code';
const CIBA = 'urn:openid:params:grant-type:ciba';
const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const MACHINE = { grant_type: 'client_credentials', scope: 'records:read' };

type Grant = (party: Party, world: World) => Promise<unknown>;

const EXERCISES: Readonly<Record<string, Grant>> = {
  authorization_code: async (party) => (await party.tokens()).access_token,
  implicit: async (party) => (await party.answer({ response_type: 'token' })).access_token,
  async refresh_token(party) {
    const { refresh_token } = await party.tokens();
    return (await party.token({ grant_type: 'refresh_token', refresh_token })).body.access_token;
  },
  client_credentials: async (party) => (await party.token(MACHINE)).body.access_token,
  password: async (party) => {
    const credentials = { username: 'alice@example.com', password: DEMO_PASSWORD, scope: 'records:read' };
    return (await party.token({ grant_type: 'password', ...credentials })).body.access_token;
  },
  /** Up to where a person comes in: the client is told to wait for them. */
  async [DEVICE_CODE](party) {
    const { body } = await party.post(party.endpoint('device_authorization_endpoint'), { scope: 'openid' });
    const { device_code } = body as Record<string, string>;
    return (await party.token({ grant_type: DEVICE_CODE, device_code })).body.error === 'authorization_pending';
  },
  async [CIBA](party) {
    const hint = { scope: 'openid', login_hint: 'alice@example.com' };
    const { body } = await party.post(party.endpoint('backchannel_authentication_endpoint'), hint);
    const { auth_req_id } = body as Record<string, string>;
    return (await party.token({ grant_type: CIBA, auth_req_id })).body.error === 'authorization_pending';
  },
  async [TOKEN_EXCHANGE](party) {
    const { access_token } = (await party.token(MACHINE)).body as Record<string, string>;
    const subject = {
      subject_token: access_token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    };
    const { body } = await party.token({ grant_type: TOKEN_EXCHANGE, ...subject });
    return body.access_token;
  },
  /** Whom the server trusts is a matter of its own: here the assertion is nobody's, and is looked at. */
  async [JWT_BEARER](party) {
    return (await party.token({ grant_type: JWT_BEARER, assertion: 'e30.e30.e30' })).body.error === 'invalid_grant';
  },
};

export const grantTypes: ListExercise = {
  others: [
    ...Object.keys(EXERCISES),
    'nonsense',
    '__proto__',
    'constructor',
    'urn:ietf:params:oauth:grant-type:saml2-bearer',
  ],
  async works(world, grantType) {
    const party = await createParty(world);
    const exercise = Object.hasOwn(EXERCISES, grantType) ? EXERCISES[grantType] : undefined;
    return exercise === undefined
      ? (await party.token({ grant_type: grantType })).body.error !== 'unsupported_grant_type'
      : exercise(party, world);
  },
};

export const deliveryModes: ListExercise = {
  others: ['poll', 'ping', 'push'],
  async works(world, mode) {
    const party = await createParty(world, {
      backchannel_token_delivery_mode: mode,
      ...(mode !== 'poll' && { backchannel_client_notification_endpoint: 'https://party.example.com/notified' }),
    });
    const hint = {
      scope: 'openid',
      login_hint: 'alice@example.com',
      client_notification_token: 'a-token-of-the-party-1',
    };
    return (await party.post(party.endpoint('backchannel_authentication_endpoint'), hint)).body.auth_req_id;
  },
};
