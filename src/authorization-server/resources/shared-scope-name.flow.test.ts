/** Two resource servers with a scope of one name: what is granted at one of them is nothing at the other (RFC 8707 §3). */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import {
  ALICE,
  createRelyingParty,
  DEMO_API,
  DEMO_WEB,
  introspect,
  type RelyingParty,
  tokensOf,
} from '../../testing/relying-party.ts';
import { DEMO_PASSWORD, UserAgent, type Visit } from '../../testing/user-agent.ts';

const API = 'http://localhost:3001';
const ARCHIVE = 'https://archive.example/api';
const ARCHIVE_API = { clientId: 'archive-api', secret: 'archive-api-secret' };
const archive = {
  identifier: ARCHIVE,
  name: 'Archive',
  scopes: [{ name: 'records:read', description: 'search the archive' }],
};

let server: TestServer;
let web: RelyingParty;
beforeAll(async () => {
  server = await startTestServer();
  web = createRelyingParty(server.issuer, DEMO_WEB);
  await server.apply({
    resourceServers: [archive],
    clients: [
      {
        client_id: ARCHIVE_API.clientId,
        client_secret: ARCHIVE_API.secret,
        grant_types: [],
        resource_server: ARCHIVE,
      },
      {
        client_id: 'both',
        client_secret: 'both-secret',
        grant_types: ['password', 'refresh_token'],
        scope: 'openid records:read',
      },
    ],
  });
});
afterAll(() => server.stop());

let browser: UserAgent;
beforeEach(() => {
  browser = new UserAgent(server.issuer);
});

const resourcesOn = (visit: Visit) =>
  [...visit.html.matchAll(/data-testid="consent-resource">([^<]*)</g)].map(([, name]) => name);

async function consentPage(parameters: Record<string, string>): Promise<Visit> {
  const visit = await browser.get(web.authorizationUrl(parameters));
  return visit.html.includes('/sign-in"') ? browser.signIn(visit, ALICE) : visit;
}

const silently = async (parameters: Record<string, string>) =>
  new URL((await browser.get(web.authorizationUrl({ ...parameters, prompt: 'none' }))).url).searchParams;

describe('a scope that two resource servers have', () => {
  it('is asked for at the one that the client names, and at no other', async () => {
    const visit = await consentPage({ scope: 'records:read', resource: ARCHIVE });
    expect(resourcesOn(visit)).toEqual(['Archive']);
  });

  it.each([{ scope: 'openid records:read' }, { scope: 'records:read' }, { scope: 'records:read', resource: API }])(
    'is not granted for %j by consent to the other one',
    async (parameters) => {
      await browser.approve(await consentPage({ scope: 'openid records:read', resource: ARCHIVE }));
      expect((await silently({ scope: 'openid records:read', resource: ARCHIVE })).get('code')).not.toBeNull();
      expect((await silently(parameters)).get('error')).toBe('consent_required');
    },
  );

  it('is the same permission at the default resource server whichever way it is asked for', async () => {
    await browser.approve(await consentPage({ scope: 'openid records:read' }));
    expect((await silently({ scope: 'records:read' })).get('code')).not.toBeNull();
    expect((await silently({ scope: 'records:read', resource: API })).get('code')).not.toBeNull();
    expect((await silently({ scope: 'records:read', resource: ARCHIVE })).get('error')).toBe('consent_required');
  });

  it('is told to the owner of a refresh token for the one that is not the default', async () => {
    const { refresh_token } = await web.obtainTokens(
      { scope: 'openid records:read', resource: ARCHIVE },
      ALICE,
      browser,
    );
    expect(await introspect(server.issuer, refresh_token, DEMO_WEB)).toMatchObject({
      aud: ARCHIVE,
      scope: 'openid records:read',
    });
  });
});

describe('when another resource server becomes the default one', () => {
  it('a token for the former is none for the new one, and its scope is asked for again', async () => {
    const request = { scope: 'openid records:read' };
    const tokens = [
      (await web.obtainTokens(request, ALICE, browser)).access_token,
      tokensOf(
        await createRelyingParty(server.issuer, { clientId: 'both', secret: 'both-secret' }).requestToken({
          grant_type: 'password',
          username: ALICE.email,
          password: DEMO_PASSWORD,
          ...request,
        }),
      ).access_token,
    ];
    for (const token of tokens) {
      expect(await introspect(server.issuer, token, DEMO_API)).toMatchObject({ active: true, scope: request.scope });
    }
    await server.apply({ resourceServers: [{ ...archive, default: true }] });
    for (const token of tokens) {
      const told = await introspect(server.issuer, token, ARCHIVE_API);
      expect(String(told.scope ?? '')).not.toContain('records:read');
    }
    expect((await silently(request)).get('error')).toBe('consent_required');
    const consented = await web.obtainTokens(request, ALICE, browser);
    expect(await introspect(server.issuer, consented.access_token, ARCHIVE_API)).toMatchObject(request);
  });
});
