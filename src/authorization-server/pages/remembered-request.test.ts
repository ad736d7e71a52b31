import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import { ALICE, createRelyingParty, DEMO_WEB, type RelyingParty } from '../../testing/relying-party.ts';
import { actionOf, DEMO_PASSWORD, UserAgent, type Visit } from '../../testing/user-agent.ts';
import { createRememberedRequests } from './remembered-request.ts';

let server: TestServer;
let web: RelyingParty;
beforeAll(async () => {
  server = await startTestServer();
  web = createRelyingParty(server.issuer, DEMO_WEB);
});
afterAll(() => server.stop());

const CREDENTIALS = { email: ALICE.email, password: DEMO_PASSWORD };

const sealedIn = (visit: Visit) => visit.html.match(/name="request" value="([^"]+)"/)?.[1] ?? '';

const post = (agent: UserAgent, visit: Visit, action: string, fields: Record<string, string>, headers = {}) =>
  agent.send(actionOf(visit, action), { method: 'POST', body: new URLSearchParams(fields), headers });

/** A page whose step has been answered already, in the same browser, up to the client's address. */
async function answered() {
  const agent = new UserAgent(server.issuer);
  const visit = await agent.get(web.authorizationUrl({ scope: 'openid', state: 'kept & "quoted"' }));
  const consent = await agent.signIn(visit, ALICE);
  await agent.approve(consent);
  return { agent, visit, consent };
}

describe('C52: a form whose step was answered already', () => {
  it.each(['sign-in', 'consent'])('starts the same request again, which goes straight on: %s', async (action) => {
    const { agent, visit, consent } = await answered();
    const page = action === 'sign-in' ? visit : consent;
    const answer = await post(agent, page, action, { ...CREDENTIALS, request: sealedIn(page) });
    expect(answer.status).toBe(303);
    const client = new URL((await agent.get(answer.headers.get('location') ?? '')).url);
    expect(client.searchParams.get('state')).toBe('kept & "quoted"');
    expect(client.searchParams.has('code')).toBe(true);
  });

  it('starts it in a browser that has lost its cookies, which has to sign in', async () => {
    const { visit } = await answered();
    const stranger = new UserAgent(server.issuer);
    const answer = await post(stranger, visit, 'sign-in', { ...CREDENTIALS, request: sealedIn(visit) });
    expect((await stranger.get(answer.headers.get('location') ?? '')).html).toContain('data-testid="sign-in-form"');
  });

  it('is told so when it carries no request, another’s or an altered one', async () => {
    const { agent, visit } = await answered();
    const sealed = sealedIn(visit);
    for (const request of ['', 'client_id=demo-web', `${sealed.slice(0, -2)}AA`, `${sealed}A`, sealed.slice(1)]) {
      const answer = await post(agent, visit, 'sign-in', { ...CREDENTIALS, request });
      expect(answer.status).toBe(400);
      expect(answer.html).toContain('This sign-in has ended');
    }
  });

  it('C51: starts nothing from another site', async () => {
    const { agent, visit } = await answered();
    const fields = { ...CREDENTIALS, request: sealedIn(visit) };
    const answer = await post(agent, visit, 'sign-in', fields, { 'sec-fetch-site': 'cross-site' });
    expect(answer.status).toBe(403);
  });
});

describe('the copy of a request', () => {
  const seal = { seal: (text: string) => text, open: (text: string) => text };
  const requests = createRememberedRequests({ seal, pushAgain: async () => undefined, now: () => 0 });

  it('is left out when it is too long for a form', () => {
    expect(requests.write({ params: { state: 'x'.repeat(9_000) } })).toBe('');
  });

  it('is the request as the client sent it, without what the server noted', () => {
    const params = { client_id: 'a', resource: ['b', 'c'] };
    const query = 'client_id=a&resource=b&resource=c';
    expect(JSON.parse(requests.write({ params })).query).toBe(query);
    const narrowed = { ...params, scope: 'openid', client_scope: 'openid records:write' };
    expect(JSON.parse(requests.write({ params: narrowed })).query).toBe(`${query}&scope=openid+records%3Awrite`);
  });
});
