/** A client held to fapi-2.0 by its registration, at a server that asks that of nobody else. */
import { decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import { signAssertion } from '../../testing/client-assertion.ts';
import { createParty, createWorld, type Party, REDIRECT_URI, type World } from '../../testing/discovery/party.ts';
import { createPkce, encode, type Parameters, send, tokensOf } from '../../testing/relying-party.ts';
import { type ClientKey, signRequest } from '../../testing/request-object.ts';

const GRANTS = { grant_types: ['authorization_code', 'refresh_token', 'client_credentials'], response_types: ['code'] };
const MACHINE = { grant_type: 'client_credentials', scope: 'records:read' };

let server: TestServer;
let world: World;
let held: Party;
let lax: Party;
beforeAll(async () => {
  server = await startTestServer();
  world = await createWorld(server, (await send(server.url('/.well-known/openid-configuration'))).body);
  lax = await createParty(world, GRANTS);
  held = await createParty(world, { ...GRANTS, profile: 'fapi-2.0' });
});
afterAll(() => server.stop());

const key = (alg: string) => world.keys[alg] as ClientKey;

async function push(party: Party, parameters: Parameters = {}, pkce = createPkce()) {
  const { challenge } = pkce;
  return party.post(server.url('/request'), {
    client_id: party.clientId,
    response_type: 'code',
    redirect_uri: REDIRECT_URI,
    scope: 'openid records:read',
    code_challenge: challenge,
    code_challenge_method: 'S256',
    ...parameters,
  });
}

/** An answer to a token request that authenticates by an assertion like this. */
async function withAssertion({ clientId }: Party, alg: string, aud: unknown = server.issuer) {
  const assertion = await signAssertion({ issuer: server.issuer, clientId, key: key(alg) }, { aud });
  return send(server.url('/token'), { method: 'POST', body: encode({ ...assertion, ...MACHINE }) });
}

describe('a client held to fapi-2.0 alone', () => {
  it('gets its tokens as that profile wants it', async () => {
    const pkce = createPkce();
    const { body } = await push(held, {}, pkce);
    const url = server.url(`/auth?${encode({ client_id: held.clientId, request_uri: String(body.request_uri) })}`);
    const { searchParams } = new URL((await world.browser.goThrough(await world.browser.get(url))).url);
    const grant = { grant_type: 'authorization_code', redirect_uri: REDIRECT_URI, code_verifier: pkce.verifier };
    const tokens = tokensOf(await held.token({ ...grant, code: searchParams.get('code') ?? '' }));
    expect(tokens.token_type).toBe('DPoP');
    expect(decodeProtectedHeader(tokens.id_token).alg).toBe('ES256');
    const { refresh_token } = tokens;
    expect(tokensOf(await held.token({ grant_type: 'refresh_token', refresh_token })).refresh_token).toBe(
      refresh_token,
    );
  });

  it('must push its requests, with PKCE and redirect_uri; its neighbour need not', async () => {
    expect((await held.answer({})).error).toBe('invalid_request');
    expect((await lax.answer({})).code).toBeTruthy();
    for (const missing of [
      { code_challenge: undefined, code_challenge_method: undefined },
      { redirect_uri: undefined },
    ]) {
      expect((await push(held, missing)).body.error).toBe('invalid_request');
      expect((await push(lax, missing)).body).toHaveProperty('request_uri');
    }
  });

  it.each(['RS256', 'PS256'])('and whoever signs with %s: assertions, proofs and request objects', async (alg) => {
    const isAllowed = alg === 'PS256';
    expect((await withAssertion(held, alg)).body.error === 'invalid_client').toBe(!isAllowed);
    expect((await withAssertion(lax, alg)).status).toBe(200);
    expect((await held.token(MACHINE, key(alg))).body.error).toBe(isAllowed ? undefined : 'invalid_dpop_proof');
    expect((await lax.token(MACHINE, key(alg))).body.token_type).toBe('DPoP');
    for (const party of [held, lax]) {
      const client = { clientId: party.clientId, redirectUri: REDIRECT_URI };
      const request = await signRequest({ issuer: server.issuer, client, key: key(alg) }, { scope: 'openid' });
      const { body } = await party.post(server.url('/request'), { request });
      expect(body.error).toBe(isAllowed || party === lax ? undefined : 'invalid_request_object');
    }
  });

  it('authenticates for the issuer, and for nothing else', async () => {
    expect((await withAssertion(held, 'ES256', server.url('/token'))).body.error).toBe('invalid_client');
    expect((await withAssertion(lax, 'ES256', server.url('/token'))).status).toBe(200);
  });

  it('gets no token without a proof', async () => {
    expect((await withAssertion(held, 'ES256')).body).toMatchObject({ error: 'invalid_grant' });
    expect((await withAssertion(lax, 'ES256')).body).toMatchObject({ token_type: 'Bearer' });
  });

  it('says nothing of itself in the metadata of the server', () => {
    expect(world.metadata).not.toHaveProperty('require_pushed_authorization_requests');
    expect(world.metadata.id_token_signing_alg_values_supported).toContain('RS256');
  });
});
