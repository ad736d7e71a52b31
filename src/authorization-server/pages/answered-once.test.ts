import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import { ALICE, createRelyingParty, DEMO_WEB, type RelyingParty } from '../../testing/relying-party.ts';
import { actionOf, consentFieldsOf, UserAgent, type Visit } from '../../testing/user-agent.ts';

let server: TestServer;
let web: RelyingParty;
let otherNode: string;
beforeAll(async () => {
  server = await startTestServer();
  web = createRelyingParty(server.issuer, DEMO_WEB);
  otherNode = await server.addNode();
});
afterAll(() => server.stop());

const post = (agent: UserAgent, url: string, fields: Record<string, string> = {}) =>
  agent.send(url, { method: 'POST', body: new URLSearchParams(fields) });

const locationOf = (visit: Visit | undefined) => visit?.headers.get('location') ?? '';

/** The same browser's cookies, sent at the same moment to both nodes. */
function atOnce(agent: UserAgent, times: number, act: (tab: UserAgent) => Promise<Visit>): Promise<Visit[]> {
  const tabs = Array.from({ length: times }, (_, index) => {
    const tab = agent.clone();
    tab.node = index % 2 === 0 ? server.issuer : otherNode;
    return tab;
  });
  return Promise.all(tabs.map(act));
}

async function consentOf(agent: UserAgent): Promise<Visit> {
  return agent.signIn(await agent.get(web.authorizationUrl({ scope: 'openid' })), ALICE);
}

describe('a pending authorization request', () => {
  it('C52: is answered once, however often the browser comes back with it at the same moment', async () => {
    for (let round = 0; round < 5; round += 1) {
      const agent = new UserAgent(server.issuer);
      const consent = await consentOf(agent);
      const resume = locationOf(await post(agent, actionOf(consent, 'consent'), consentFieldsOf(consent)));
      const answers = await atOnce(agent, 6, (tab) => tab.send(resume));
      const codes = answers.filter((answer) => locationOf(answer).includes('code='));
      expect(codes).toHaveLength(1);
      const rest = answers.filter((answer) => !codes.includes(answer));
      // They begin the same request again, as any other.
      expect(rest.map(({ status }) => status)).toEqual(rest.map(() => 303));
      expect(rest.every((answer) => locationOf(answer).startsWith('/auth?client_id='))).toBe(true);
    }
  });

  it('C52: is not brought back by a form that was sent while it ended', async () => {
    for (let round = 0; round < 5; round += 1) {
      const agent = new UserAgent(server.issuer);
      const consent = await consentOf(agent);
      const action = actionOf(consent, 'consent');
      const fields = consentFieldsOf(consent);
      const resume = locationOf(await post(agent, action, fields));
      const tab = agent.clone();
      const [end, late] = await Promise.all([agent.send(resume), atOnce(tab, 4, (one) => post(one, action, fields))]);
      expect(locationOf(end)).toContain('code=');
      expect(late.every(({ status }) => status === 303 || status === 400)).toBe(true);
      expect(locationOf(await tab.send(resume))).toMatch(/^\/auth\?client_id=/);
    }
  });

  it('C52: takes a double click on a button for one', async () => {
    const agent = new UserAgent(server.issuer);
    const consent = await consentOf(agent);
    const clicks = await atOnce(agent, 2, (tab) => post(tab, actionOf(consent, 'consent'), consentFieldsOf(consent)));
    expect(clicks.map(({ status }) => status)).toEqual([303, 303]);
    // The copies of the request that go along differ, as every sealing does.
    const [first, second] = clicks.map((click) => locationOf(click).split('?')[0]);
    expect(first).toBe(second);
    expect(locationOf(await agent.send(locationOf(clicks[1])))).toMatch(/[?&]code=/);
  });

  it('C52: with a yes and a no at the same moment has one of both as its answer', async () => {
    const agent = new UserAgent(server.issuer);
    const consent = await consentOf(agent);
    let turn = 0;
    await atOnce(agent, 2, (tab) => {
      turn += 1;
      return post(tab, actionOf(consent, turn === 1 ? 'consent' : 'abort'), consentFieldsOf(consent));
    });
    const resume = consent.url.replace('/interaction/', '/auth/');
    expect(locationOf(await agent.send(resume))).toMatch(/[?&](code=|error=access_denied)/);
    expect((await agent.send(resume)).status).toBe(400);
  });

  it('C52: that was answered cannot be answered again', async () => {
    const agent = new UserAgent(server.issuer);
    const consent = await consentOf(agent);
    const before = agent.clone();
    await agent.approve(consent);
    for (const action of ['consent', 'abort', 'sign-in']) {
      const late = await post(before, `${consent.url}/${action}`, { email: ALICE.email, password: 'x' });
      expect(late.status).toBe(400);
    }
    expect((await before.send(consent.url.replace('/interaction/', '/auth/'))).status).toBe(400);
  });
});
