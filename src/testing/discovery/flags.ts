/** Members that are true or absent: does the server do so? */
import { setTimeout as later } from 'node:timers/promises';
import { decodeJwt } from 'jose';
import { type DocumentHost, startDocumentHost } from '../document-host.ts';
import { createPkce, encode } from '../relying-party.ts';
import { signRequest } from '../request-object.ts';
import { UserAgent } from '../user-agent.ts';
import type { Works } from './exercise.ts';
import { createParty, REDIRECT_URI, type World } from './party.ts';

async function withHost<Result>(work: (host: DocumentHost) => Promise<Result>): Promise<Result> {
  const host = await startDocumentHost();
  try {
    return await work(host);
  } finally {
    await host.stop();
  }
}

/** Straight to the authorization endpoint, whatever the metadata asks for. */
async function openedDirectly({ browser, metadata }: World, parameters: Record<string, string>) {
  const url = `${metadata.authorization_endpoint}?${encode(parameters)}`;
  return new URL((await browser.goThrough(await browser.get(url))).url).searchParams;
}

function plainRequest(client_id: string) {
  const { challenge } = createPkce();
  const pkce = { code_challenge: challenge, code_challenge_method: 'S256' };
  return { client_id, response_type: 'code', redirect_uri: REDIRECT_URI, scope: 'openid', state: 'a-state', ...pkce };
}

/** Does a sign-out reach the client, and name the session if it is to? */
async function isToldOfSignOut(theWorld: World, member: 'sub' | 'sid'): Promise<boolean> {
  // Signed in to nobody else: all of them would be told.
  const world = { ...theWorld, browser: new UserAgent(theWorld.server.issuer) };
  return withHost(async (host) => {
    const backchannel_logout_uri = host.serve('/signed-out', 'ok');
    const party = await createParty(world, {
      backchannel_logout_uri,
      backchannel_logout_session_required: member === 'sid',
    });
    const { id_token } = await party.tokens();
    const page = await world.browser.get(
      `${world.metadata.end_session_endpoint}?${encode({ id_token_hint: id_token })}`,
    );
    await world.browser.signOut(page);
    await untilAsked(host, '/signed-out');
    return host.asked.get('/signed-out') === 1 && decodeJwt(id_token)[member] !== undefined;
  });
}

/** Nobody who signs out waits for clients to be told. Gives up after ten seconds. */
async function untilAsked(host: { readonly asked: ReadonlyMap<string, number> }, path: string): Promise<void> {
  for (let round = 0; round < 200 && !host.asked.has(path); round += 1) {
    await later(50);
  }
}

export const flags: Readonly<Record<string, Works>> = {
  authorization_response_iss_parameter_supported: async (world) => {
    const party = await createParty(world);
    const refused = await openedDirectly(world, { ...plainRequest(party.clientId), prompt: 'nonsense' });
    return (await party.answer({})).iss === world.server.issuer && refused.get('iss') === world.server.issuer;
  },
  async require_pushed_authorization_requests(world) {
    const { clientId } = await createParty(world);
    return !(await openedDirectly(world, plainRequest(clientId))).has('code');
  },
  async require_signed_request_object(world) {
    return (await (await createParty(world)).answer({})).code === undefined;
  },
  async request_parameter_supported(world) {
    const party = await createParty(world);
    const client = { clientId: party.clientId, redirectUri: REDIRECT_URI };
    const key = world.keys.ES256;
    const request = key && (await signRequest({ issuer: world.server.issuer, client, key }, { scope: 'openid' }));
    return (await party.answer({ request })).code;
  },
  request_uri_parameter_supported: (world) =>
    withHost(async (host) => {
      const { clientId } = await createParty(world);
      const request_uri = host.serve('/request', 'e30.e30.');
      await openedDirectly(world, { client_id: clientId, request_uri });
      return host.asked.get('/request');
    }),
  async claims_parameter_supported(world) {
    const party = await createParty(world);
    const claims = JSON.stringify({ id_token: { email: { essential: true } } });
    return decodeJwt((await party.tokens({ claims, prompt: 'consent' })).id_token).email;
  },
  backchannel_logout_supported: (world) => isToldOfSignOut(world, 'sub'),
  backchannel_logout_session_supported: (world) => isToldOfSignOut(world, 'sid'),
  async backchannel_user_code_parameter_supported(world) {
    const party = await createParty(world, { backchannel_user_code_parameter: true });
    const hint = { scope: 'openid', login_hint: 'alice@example.com' };
    // Somebody who has a code would have to give it.
    return (
      (await party.post(party.endpoint('backchannel_authentication_endpoint'), hint)).body.error === 'missing_user_code'
    );
  },
  client_id_metadata_document_supported: (world) =>
    withHost(async (host) => {
      const client_id = `${host.origin}/client.json`;
      const jwks = { keys: Object.values(world.keys).map(({ jwk }) => jwk) };
      host.serve('/client.json', {
        client_id,
        client_name: 'A described party',
        redirect_uris: [REDIRECT_URI],
        grant_types: ['authorization_code'],
        response_types: ['code'],
        token_endpoint_auth_method: 'private_key_jwt',
        jwks,
      });
      const party = await createParty(world, { client_id });
      return (await party.tokens()).access_token;
    }),
};
