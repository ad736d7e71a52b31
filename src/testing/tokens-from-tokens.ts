/** The grants that make a token of another token or of an assertion, and JWT access tokens: a part of every-flow.ts. */
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { expect } from 'vitest';
import type { TestServer } from './authorization-server.ts';
import { createRelyingParty, DEMO_MACHINE, introspect, type RelyingParty, revoke, tokensOf } from './relying-party.ts';

const REPORTS = 'https://reports.example/api';
export const REPORTER = { clientId: 'reporter', secret: 'reporter-secret' };
const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const ISSUER = 'https://idp.example';

export async function tokensFromTokens(server: TestServer): Promise<void> {
  const machine = createRelyingParty(server.issuer, DEMO_MACHINE);
  await exchange(machine, tokensOf(await machine.requestToken({ grant_type: 'client_credentials' })).access_token);
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  await server.apply({
    resourceServers: [
      {
        identifier: REPORTS,
        name: 'Reports',
        accessTokenFormat: 'jwt',
        scopes: [{ name: 'records:read', description: 'read' }],
      },
    ],
    clients: [
      {
        client_id: REPORTER.clientId,
        client_secret: REPORTER.secret,
        grant_types: [JWT_BEARER, TOKEN_EXCHANGE],
        scope: 'records:read',
        default_scope: 'records:read',
        token_exchange: { subject_clients: [REPORTER.clientId], audiences: [REPORTS] },
      },
    ],
    trustedIssuers: [
      {
        issuer: ISSUER,
        jwks: { keys: [await exportJWK(publicKey)] },
        clients: [REPORTER.clientId],
        scopes: ['records:read'],
      },
    ],
  });
  const assertion = await new SignJWT({ iss: ISSUER, sub: 'x', email: 'alice@example.com', aud: server.issuer })
    .setProtectedHeader({ alg: 'ES256' })
    .setJti(crypto.randomUUID())
    .setExpirationTime('1 minute')
    .sign(privateKey);
  const reporter = createRelyingParty(server.issuer, REPORTER);
  const request = { grant_type: JWT_BEARER, assertion, resource: REPORTS };
  const { access_token } = tokensOf(await reporter.requestToken(request));
  expect((await reporter.requestToken(request)).body.error).toBe('invalid_grant');
  const narrower = await exchange(reporter, access_token);
  expect(await introspect(server.issuer, narrower, REPORTER)).toMatchObject({ active: true });
  await revoke(server.issuer, narrower, REPORTER);
}

async function exchange(party: RelyingParty, subject_token: string): Promise<string> {
  const request = { grant_type: TOKEN_EXCHANGE, subject_token, subject_token_type: ACCESS_TOKEN };
  return tokensOf(await party.requestToken({ ...request, scope: 'records:read' })).access_token;
}
