/** Public and pairwise subjects (OpenID Connect Core §8), and which one a resource server sees (docs/decisions/0005). */
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import {
  ALICE,
  createRelyingParty,
  DEMO_SPA,
  DEMO_WEB,
  encode,
  GUEST,
  introspect,
  send,
  type TestClient,
  tokensOf,
} from '../../testing/relying-party.ts';
import { UserAgent } from '../../testing/user-agent.ts';

const SECRET = 'a-secret-of-the-pairwise-clients';
const clientAt = (clientId: string, redirectUri: string) => ({ clientId, secret: SECRET, redirectUri });
const ONE = clientAt('one', 'https://one.example/callback');
const SAME_HOST = clientAt('same-host', 'https://one.example/other');
const TWO = clientAt('two', 'https://two.example/callback');
const SCOPE = 'openid email records:read';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  await server.apply({ clients: [ONE, SAME_HOST, TWO].map((client) => registrationOf(client)) });
});
afterAll(() => server.stop());

function registrationOf({ clientId, redirectUri }: { clientId: string; redirectUri: string }, more: object = {}) {
  return {
    client_id: clientId,
    client_secret: SECRET,
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code', 'refresh_token'],
    scope: SCOPE,
    subject_type: 'pairwise',
    ...more,
  };
}

const tokensFor = (client: TestClient, person = ALICE, parameters = {}) =>
  createRelyingParty(server.issuer, client).obtainTokens({ scope: SCOPE, ...parameters }, person);
const subjectIn = (idToken: string) => String(decodeJwt(idToken).sub);
const subjectFor = async (client: TestClient, person = ALICE) => subjectIn((await tokensFor(client, person)).id_token);

describe('a pairwise subject', () => {
  it('is another one in each sector, the same within it, and never the account’s own', async () => {
    const one = await subjectFor(ONE);
    const sameHost = await subjectFor(SAME_HOST);
    const two = await subjectFor(TWO);
    const own = await subjectFor(DEMO_WEB);
    expect(sameHost).toBe(one);
    expect(new Set([one, two, own]).size).toBe(3);
    expect(await subjectFor(ONE, GUEST)).not.toBe(one);
  });

  it('is the same at every node, and again later', async () => {
    const node = await server.addNode();
    const rp = createRelyingParty(server.issuer, ONE);
    const authorization = await rp.authorize({ scope: 'openid' });
    const there = tokensOf(await rp.exchange(authorization, {}, node));
    expect(subjectIn(there.id_token)).toBe(await subjectFor(ONE));
  });

  it('is what userinfo says, and the refreshed ID token', async () => {
    const tokens = await tokensFor(ONE);
    const { body } = await send(server.url('/me'), { headers: { authorization: `Bearer ${tokens.access_token}` } });
    expect(body.sub).toBe(subjectIn(tokens.id_token));
    const refreshed = tokensOf(await createRelyingParty(server.issuer, ONE).refresh(tokens.refresh_token));
    expect(subjectIn(refreshed.id_token)).toBe(body.sub);
  });

  it('is recognised when it comes back as a hint', async () => {
    const browser = new UserAgent(server.issuer);
    const rp = createRelyingParty(server.issuer, ONE);
    const { id_token } = await rp.obtainTokens({ scope: 'openid' }, ALICE, browser);
    const hinted = (hint: string) =>
      browser.get(rp.authorizationUrl({ scope: 'openid', prompt: 'none', id_token_hint: hint }));
    expect((await hinted(id_token)).url).toContain('code=');
    const another = (await rp.obtainTokens({ scope: 'openid' }, GUEST)).id_token;
    expect((await hinted(another)).url).toContain('error=login_required');
    const goodbye = await browser.get(`/session/end?${encode({ id_token_hint: id_token })}`);
    expect(goodbye.html).toContain('name="xsrf"');
  });
});

describe('who introspects a token of a pairwise client', () => {
  it('is told the account’s own subject as its resource server, so that records stay one account’s', async () => {
    const own = await subjectFor(DEMO_WEB);
    for (const client of [ONE, TWO, DEMO_SPA]) {
      const { access_token } = await tokensFor(client);
      expect(await introspect(server.issuer, access_token)).toMatchObject({ active: true, sub: own });
    }
  });

  it('is told the subject it knows as the client itself', async () => {
    const tokens = await tokensFor(ONE);
    expect(await introspect(server.issuer, tokens.access_token, ONE)).toMatchObject({
      sub: subjectIn(tokens.id_token),
    });
  });
});

describe('an access token of a pairwise client', () => {
  it('is opaque where others get a JWT: it would tell what the client is not to know', async () => {
    const resource = 'http://localhost:3009';
    await server.apply({
      resourceServers: [
        {
          identifier: resource,
          name: 'JWTs',
          accessTokenFormat: 'jwt',
          scopes: [{ name: 'records:read', description: 'see records' }],
        },
      ],
      clients: [{ client_id: 'reader', client_secret: SECRET, grant_types: [], resource_server: resource }],
    });
    const parameters = { scope: 'records:read', resource };
    const jwt = (await tokensFor(DEMO_WEB, ALICE, parameters)).access_token;
    const own = decodeJwt(jwt).sub;
    const { access_token } = await tokensFor(ONE, ALICE, parameters);
    expect(access_token.split('.')).toHaveLength(1);
    const told = await introspect(server.issuer, access_token, { clientId: 'reader', secret: SECRET });
    expect(told).toMatchObject({ active: true, aud: resource, sub: own });
  });
});

describe('a sector identifier', () => {
  const URIS = ['https://one.example/callback', 'https://three.example/callback'];

  it('is needed for redirect URIs at several hosts, and for those without any', async () => {
    for (const more of [
      { redirect_uris: URIS },
      { redirect_uris: ['com.example.app:/cb'], application_type: 'native' },
    ]) {
      const registration = registrationOf(clientAt('several', ''), more);
      await expect(server.apply({ clients: [registration] })).rejects.toThrow(/sector_identifier_uri/);
    }
  });

  it('makes a sector of its host, and is not asked for when somebody signs in', async () => {
    await server.apply({ clients: [registrationOf(clientAt('several', 'https://one.example/callback'))] });
    const several = { redirect_uris: URIS, sector_identifier_uri: 'https://nobody-is-there.invalid/uris.json' };
    await server.pool.query(`update clients set metadata = metadata || $1 where client_id = 'several'`, [several]);
    const subject = await subjectFor(clientAt('several', 'https://three.example/callback'));
    expect(subject).toBe(await subjectFor(clientAt('several', 'https://one.example/callback')));
    expect(subject).not.toBe(await subjectFor(ONE));
  });

  it('C13: in a private network is not asked', async () => {
    const registration = registrationOf(clientAt('refused', ''), {
      redirect_uris: URIS,
      sector_identifier_uri: 'https://169.254.169.254/uris.json',
    });
    await expect(server.apply({ clients: [registration] })).rejects.toThrow(/not a public address/);
  });
});
