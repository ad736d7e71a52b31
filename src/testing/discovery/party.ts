/**
 * A client that gets along with a server of any profile: it signs its assertions, pushes its requests where they must be,
 * and proves possession of its key wherever that is possible. What it is refused, the server cannot do.
 */
import { randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import type { TestServer } from '../authorization-server.ts';
import { signAssertion } from '../client-assertion.ts';
import { createProof } from '../dpop.ts';
import { type Answer, createPkce, encode, type Parameters, send, type TokenSet, tokensOf } from '../relying-party.ts';
import { type ClientKey, createClientKey } from '../request-object.ts';
import { formOf, UserAgent, type Visit } from '../user-agent.ts';

export type Metadata = Readonly<Record<string, unknown>>;

export const REDIRECT_URI = 'https://party.example.com/callback';

export interface World {
  readonly server: TestServer;
  readonly metadata: Metadata;
  readonly browser: UserAgent;
  /** One for each way to sign, and the ES256 one is everybody's own. */
  readonly keys: Readonly<Record<string, ClientKey>>;
  /** For what is sent to a client encrypted, by `kty`. */
  readonly decryption: Readonly<Record<string, { readonly privateJwk: JWK; readonly jwk: JWK }>>;
}

const SIGNING_ALGS = ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'];

export async function createWorld(server: TestServer, metadata: Metadata): Promise<World> {
  const keys = await Promise.all(SIGNING_ALGS.map(async (alg) => [alg, await createClientKey(alg)] as const));
  const decryption = await Promise.all(
    ['RSA-OAEP', 'ECDH-ES'].map(async (alg) => {
      const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
      const [privateJwk, jwk] = [await exportJWK(privateKey), await exportJWK(publicKey)];
      return [jwk.kty ?? '', { privateJwk, jwk: { ...jwk, kid: `client-enc-${alg}`, use: 'enc' } }] as const;
    }),
  );
  return {
    server,
    metadata,
    browser: new UserAgent(server.issuer),
    keys: Object.fromEntries(keys),
    decryption: Object.fromEntries(decryption),
  };
}

export type Party = Awaited<ReturnType<typeof createParty>>;

/** Registers a client for whatever is advertised; `metadata` goes over that. Throws where the registration is refused. */
export async function createParty(world: World, registration: Readonly<Record<string, unknown>> = {}) {
  const { server, metadata, keys, decryption } = world;
  const clientId = String(registration.client_id ?? `party-${randomUUID()}`);
  const ownKey = keys.ES256 as ClientKey;
  const listOf = (member: string) => [...((metadata[member] ?? []) as readonly string[])];
  const described: Record<string, unknown> = {
    client_id: clientId,
    client_name: 'Party',
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [...Object.values(keys), ...Object.values(decryption)].map(({ jwk }) => jwk) },
    redirect_uris: [REDIRECT_URI],
    grant_types: listOf('grant_types_supported'),
    response_types: listOf('response_types_supported'),
    scope: listOf('scopes_supported').join(' '),
    ...registration,
  };
  const needed = whatGrantsNeed(clientId, described.grant_types as readonly string[]);
  const complete = Object.entries({ ...needed, ...described }).filter(([, value]) => value !== undefined);
  if (!URL.canParse(clientId)) {
    // Another one describes itself, at that address.
    await server.apply({ clients: [Object.fromEntries(complete)] });
  }
  const isPrivateKeyJwt = registration.token_endpoint_auth_method === undefined;

  async function authentication(): Promise<Parameters> {
    return isPrivateKeyJwt ? signAssertion({ issuer: server.issuer, clientId, key: ownKey }) : { client_id: clientId };
  }

  /** A form with the client's authentication and a proof of its key; again with a nonce where one is wanted (RFC 9449 §8). */
  async function post(url: string, parameters: Parameters, proving = ownKey, headers = {}): Promise<Answer> {
    const attempt = async (nonce?: string) =>
      send(url, {
        method: 'POST',
        headers: { ...headers, dpop: await createProof(proving, { url }, { nonce }) },
        body: encode({ ...(await authentication()), ...parameters }),
      });
    const answer = await attempt();
    const nonce = answer.headers.get('dpop-nonce');
    return answer.body.error === 'use_dpop_nonce' && nonce !== null ? attempt(nonce) : answer;
  }

  const endpoint = (member: string) => String(metadata[member] ?? server.url('/not-advertised'));

  /** The address that the browser opens; pushed where the server wants that. An object stands for a refusal to push. */
  async function request(parameters: Parameters, pkce = createPkce()): Promise<string | Answer['body']> {
    const request = {
      client_id: clientId,
      response_type: 'code',
      redirect_uri: REDIRECT_URI,
      scope: 'openid',
      state: 'a-state',
      nonce: 'a-nonce',
      code_challenge: pkce.challenge,
      code_challenge_method: 'S256',
      ...parameters,
    };
    if (metadata.require_pushed_authorization_requests !== true) {
      return `${endpoint('authorization_endpoint')}?${encode(request)}`;
    }
    const { status, body } = await post(endpoint('pushed_authorization_request_endpoint'), request);
    const reference = { client_id: clientId, request_uri: String(body.request_uri) };
    return status === 201 ? `${endpoint('authorization_endpoint')}?${encode(reference)}` : body;
  }

  /** Where the browser is when everything that it was asked is answered. */
  async function visit(parameters: Parameters, pkce = createPkce()): Promise<Visit | Answer['body']> {
    const url = await request(parameters, pkce);
    return typeof url === 'string' ? world.browser.goThrough(await world.browser.get(url)) : url;
  }

  return {
    clientId,
    post,
    request,
    visit,
    endpoint,
    token: (parameters: Parameters, proving?: ClientKey) => post(endpoint('token_endpoint'), parameters, proving),
    /** The parameters of the authorization response, wherever they are. */
    async answer(parameters: Parameters, pkce = createPkce()): Promise<Readonly<Record<string, string>>> {
      const end = await visit(parameters, pkce);
      return 'url' in end ? parametersOf(end as Visit) : (end as Record<string, string>);
    },
    async tokens(parameters: Parameters = {}, proving?: ClientKey): Promise<TokenSet> {
      const pkce = createPkce();
      const { code, ...rest } = await this.answer(parameters, pkce);
      if (code === undefined) {
        throw new Error(`no code but ${JSON.stringify(rest)}`);
      }
      const grant = {
        grant_type: 'authorization_code',
        code,
        redirect_uri: REDIRECT_URI,
        code_verifier: pkce.verifier,
      };
      return tokensOf(await this.token(grant, proving));
    },
    /** What the server says of a token of the party's own; `headers` may ask for it in another form. */
    introspect: (token: string, headers = {}) => post(endpoint('introspection_endpoint'), { token }, ownKey, headers),
    /** With a proof where the token is bound. */
    async userinfo({ access_token, token_type }: TokenSet): Promise<Answer> {
      const url = endpoint('userinfo_endpoint');
      const proof = await createProof(ownKey, { method: 'GET', url, accessToken: access_token });
      const bound = token_type === 'DPoP';
      return send(url, { headers: { authorization: `${token_type} ${access_token}`, ...(bound && { dpop: proof }) } });
    },
  };
}

/** Beside the grant types themselves. */
function whatGrantsNeed(clientId: string, grantTypes: readonly string[]) {
  return {
    ...(grantTypes.includes('urn:openid:params:grant-type:ciba') && { backchannel_token_delivery_mode: 'poll' }),
    ...(grantTypes.includes('urn:ietf:params:oauth:grant-type:token-exchange') && {
      token_exchange: { subject_clients: [clientId], audiences: ['http://localhost:3001'] },
    }),
  };
}

export function parametersOf(visit: Visit): Record<string, string> {
  const { hash, searchParams } = new URL(visit.url);
  const form = formOf(visit)?.fields;
  return form ?? Object.fromEntries(hash === '' ? searchParams : new URLSearchParams(hash.slice(1)));
}
