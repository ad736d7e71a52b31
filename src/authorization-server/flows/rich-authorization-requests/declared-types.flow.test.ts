/** Types of authorization details (RFC 9396) as the directory declares them, while the server runs. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import { createRelyingParty, DEMO_WEB, introspect } from '../../../testing/relying-party.ts';
import { UserAgent } from '../../../testing/user-agent.ts';

const BOTH = { ...DEMO_WEB, clientId: 'both', secret: 'a-secret-of-both' };

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

const asking = (details: unknown) => ({ authorization_details: JSON.stringify(details) });

describe('the directory', () => {
  const declare = (identifier: string, types: readonly object[]) =>
    server.apply({
      resourceServers: [{ identifier, name: 'Declared', scopes: [], authorizationDetailsTypes: types }],
    });

  it('adds types and takes them away while the server runs, and tokens forget what is gone', async () => {
    const type = { type: 'short_lived', description: 'do something for a while' };
    await declare('http://localhost:3010', [type]);
    await server.apply({
      clients: [
        {
          client_id: 'late',
          client_secret: BOTH.secret,
          redirect_uris: [BOTH.redirectUri],
          scope: 'openid',
          authorization_details_types: ['short_lived'],
        },
      ],
    });
    const late = createRelyingParty(server.issuer, { ...BOTH, clientId: 'late' });
    const tokens: object & { access_token: string } = await late.obtainTokens(asking([{ type: 'short_lived' }]));
    expect(tokens).toMatchObject({ authorization_details: [{ type: 'short_lived' }] });
    const own = { clientId: 'late', secret: BOTH.secret };
    expect(await introspect(server.issuer, tokens.access_token, own)).toHaveProperty('authorization_details');
    await declare('http://localhost:3010', []);
    expect(await introspect(server.issuer, tokens.access_token, own)).not.toHaveProperty('authorization_details');
    const request = late.authorizationUrl(asking([{ type: 'short_lived' }]));
    const { searchParams } = await new UserAgent(server.issuer).authorize(request);
    expect(searchParams.get('error')).toBe('invalid_authorization_details');
    expect((await late.authorize({ scope: 'openid' })).code).not.toBe('');
  });

  it('changes nothing when it is applied again', async () => {
    const types = [
      { type: 'b_type', description: 'b', fields: [{ name: 'x', label: 'X', kind: 'list', values: ['one'] }] },
      { type: 'a_type', description: 'a' },
    ];
    expect((await declare('http://localhost:3011', types)).resourceServers.created).toBe(1);
    expect((await declare('http://localhost:3011', types)).resourceServers.unchanged).toBe(1);
  });

  it.each([
    [[{ type: 'file_upload', description: 'taken' }], /has the type file_upload, which http:\/\/localhost:3001 has/],
    [[{ type: 'x', description: 'x', scopes: ['records:read'] }], /the scope of this resource server "records:read"/],
    [[{ type: 'x', description: 'x', fields: [{ name: 'type', label: 'x' }] }], /is not the name of a field/],
    [
      [{ type: 'x', description: 'x', fields: [{ name: 'n', label: 'x', kind: 'number', values: ['1'] }] }],
      /has values/,
    ],
    [
      [
        {
          type: 'x',
          description: 'x',
          fields: [
            { name: 'n', label: 'x' },
            { name: 'n', label: 'y' },
          ],
        },
      ],
      /name one field twice/,
    ],
  ])('refuses %j', async (types, problem) => {
    await expect(declare('http://localhost:3012', types)).rejects.toThrow(problem);
  });

  it('refuses a client with a type that nobody has', async () => {
    const client = { client_id: 'x', client_secret: 'x', grant_types: [], authorization_details_types: ['unheard_of'] };
    await expect(server.apply({ clients: [client] })).rejects.toThrow(/type of authorization details "unheard_of"/);
  });
});
