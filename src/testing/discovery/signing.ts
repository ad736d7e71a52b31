/** What is signed and encrypted, by the server and by clients: every algorithm that is advertised, and the others. */
import { CompactEncrypt, compactDecrypt, decodeProtectedHeader, importJWK, type JWK } from 'jose';
import { signAssertion } from '../client-assertion.ts';
import { encode, send } from '../relying-party.ts';
import { type ClientKey, signRequest } from '../request-object.ts';
import type { ListExercise, Works } from './exercise.ts';
import { createParty, type Party, REDIRECT_URI, type World } from './party.ts';

const SIGNING = ['RS256', 'RS512', 'PS256', 'ES256', 'ES512', 'EdDSA', 'Ed25519', 'HS256', 'none'];
const ALGS = ['RSA-OAEP', 'RSA-OAEP-256', 'ECDH-ES', 'RSA1_5', 'A128KW', 'dir'];
const ENCS = ['A128CBC-HS256', 'A128GCM', 'A256CBC-HS512', 'A256GCM', 'A192GCM'];

/** Something that the server sends, as the compact JWS or JWE that it is. */
type Obtain = (party: Party) => Promise<string>;

const OBTAIN: Readonly<Record<string, Obtain>> = {
  id_token: async (party) => (await party.tokens()).id_token,
  userinfo: async (party) => (await party.userinfo(await party.tokens())).text,
  authorization: async (party) => (await party.answer({ response_mode: 'jwt' })).response ?? '',
  /** Signed for whoever asks. */
  async introspection(party) {
    const { access_token } = await party.tokens({ scope: 'openid records:read' });
    return (await party.introspect(access_token, { accept: 'application/token-introspection+jwt' })).text;
  },
};

/** RFC 7591 names both kinds of fields after what is sent. */
const signedBy = (what: string): ListExercise => ({
  others: SIGNING,
  async works(world, alg) {
    const party = await createParty(world, { [`${what}_signed_response_alg`]: alg });
    const jwt = (await OBTAIN[what]?.(party)) ?? '';
    return decodeProtectedHeader(jwt).alg === alg;
  },
});

const encryptedBy = (what: string, choose: (value: string) => { alg: string; enc: string }): Works => {
  return async (world, value) => {
    const { alg, enc } = choose(value);
    const party = await createParty(world, {
      [`${what}_signed_response_alg`]: 'ES256',
      [`${what}_encrypted_response_alg`]: alg,
      [`${what}_encrypted_response_enc`]: enc,
    });
    const jwe = (await OBTAIN[what]?.(party)) ?? '';
    const key = world.decryption[alg.startsWith('ECDH') ? 'EC' : 'RSA'];
    const { protectedHeader } = await compactDecrypt(jwe, await importJWK(key?.privateJwk ?? {}, alg));
    return protectedHeader.alg === alg && protectedHeader.enc === enc;
  };
};

/** A request object that is signed, and encrypted for the server if that is asked. */
async function requestWith(world: World, party: Party, key: ClientKey, encryption?: { alg: string; enc: string }) {
  const client = { clientId: party.clientId, redirectUri: REDIRECT_URI };
  const signed = await signRequest({ issuer: world.server.issuer, client, key }, { scope: 'openid', nonce: 'a-nonce' });
  return encryption === undefined ? signed : encryptFor(world, signed, encryption);
}

async function encryptFor({ metadata }: World, text: string, { alg, enc }: { alg: string; enc: string }) {
  const { body } = await send(String(metadata.jwks_uri));
  const jwk = (body.keys as JWK[]).find(({ use, alg: its }) => use === 'enc' && (its === undefined || its === alg));
  const key = await importJWK(jwk ?? {}, alg);
  return new CompactEncrypt(new TextEncoder().encode(text)).setProtectedHeader({ alg, enc, cty: 'JWT' }).encrypt(key);
}

/** By value, and at the same time pushed where that is the only way. */
async function isAnswered(party: Party, request: string): Promise<unknown> {
  return (await party.answer({ request })).code;
}

const keyFor = ({ keys }: World, alg: string): ClientKey => {
  const key = keys[alg];
  if (key === undefined) {
    throw new Error(`nobody has a key for ${alg}`);
  }
  return key;
};

export const signing: Readonly<Record<string, ListExercise>> = {
  id_token_signing_alg_values_supported: signedBy('id_token'),
  userinfo_signing_alg_values_supported: signedBy('userinfo'),
  authorization_signing_alg_values_supported: signedBy('authorization'),
  introspection_signing_alg_values_supported: signedBy('introspection'),
  ...encryption('id_token'),
  ...encryption('userinfo'),
  ...encryption('authorization'),
  ...encryption('introspection'),
  request_object_signing_alg_values_supported: {
    others: SIGNING,
    async works(world, alg) {
      const party = await createParty(world);
      return isAnswered(party, await requestWith(world, party, keyFor(world, alg)));
    },
  },
  request_object_encryption_alg_values_supported: {
    others: ALGS,
    async works(world, alg) {
      const party = await createParty(world);
      return isAnswered(party, await requestWith(world, party, keyFor(world, 'ES256'), { alg, enc: 'A256GCM' }));
    },
  },
  request_object_encryption_enc_values_supported: {
    others: ENCS,
    async works(world, enc) {
      const party = await createParty(world);
      return isAnswered(party, await requestWith(world, party, keyFor(world, 'ES256'), { alg: 'ECDH-ES', enc }));
    },
  },
  backchannel_authentication_request_signing_alg_values_supported: {
    others: SIGNING,
    async works(world, alg) {
      const party = await createParty(world, { backchannel_authentication_request_signing_alg: alg });
      const now = Math.floor(Date.now() / 1000);
      const claims = {
        jti: `${now}-${alg}`,
        login_hint: 'alice@example.com',
        scope: 'openid',
        response_type: undefined,
      };
      const client = { clientId: party.clientId, redirectUri: REDIRECT_URI };
      const key = keyFor(world, alg);
      const request = await signRequest({ issuer: world.server.issuer, client, key }, claims);
      return (await party.post(party.endpoint('backchannel_authentication_endpoint'), { request })).body.auth_req_id;
    },
  },
  ...authentication('token'),
  ...authentication('introspection'),
  ...authentication('revocation'),
  dpop_signing_alg_values_supported: {
    others: SIGNING,
    async works(world, alg) {
      const party = await createParty(world);
      const grant = { grant_type: 'client_credentials', scope: 'records:read' };
      return (await party.token(grant, keyFor(world, alg))).body.token_type === 'DPoP';
    },
  },
};

function authentication(endpoint: string): Record<string, ListExercise> {
  return {
    [`${endpoint}_endpoint_auth_signing_alg_values_supported`]: {
      others: SIGNING,
      async works(world, alg) {
        const { clientId } = await createParty(world);
        const { issuer } = world.server;
        const assertion = await signAssertion({ issuer, clientId, key: keyFor(world, alg) });
        const address = String(world.metadata[`${endpoint}_endpoint`]);
        const { body } = await send(address, { method: 'POST', body: encode(assertion) });
        // Authenticated, and told what is missing.
        return body.error === 'invalid_request';
      },
    },
  };
}

function encryption(what: string): Record<string, ListExercise> {
  return {
    [`${what}_encryption_alg_values_supported`]: {
      others: ALGS,
      works: encryptedBy(what, (alg) => ({ alg, enc: 'A256GCM' })),
    },
    [`${what}_encryption_enc_values_supported`]: {
      others: ENCS,
      works: encryptedBy(what, (enc) => ({ alg: 'ECDH-ES', enc })),
    },
  };
}
