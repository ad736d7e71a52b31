/** C52, C54: whatever becomes of a page of a sign-in, it leads on. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import {
  ALICE,
  createRelyingParty,
  DEMO_SPA,
  DEMO_WEB,
  GUEST,
  type RelyingParty,
} from '../../testing/relying-party.ts';
import { actionOf, DEMO_PASSWORD, UserAgent, type Visit } from '../../testing/user-agent.ts';

let server: TestServer;
let web: RelyingParty;
let otherNode: string;
beforeAll(async () => {
  server = await startTestServer();
  web = createRelyingParty(server.issuer, DEMO_WEB);
  otherNode = await server.addNode();
});
afterAll(() => server.stop());

const STATE = 'kept & "quoted"';
const request = (more = {}) => web.authorizationUrl({ scope: 'openid', state: STATE, ...more });
const text = (visit: Visit, testId: string) =>
  visit.html.match(new RegExp(`data-testid="${testId}"[^>]*>([^<]*)<`))?.[1]?.trim();
const linkOf = (visit: Visit, testId: string) =>
  visit.html.match(new RegExp(`href="([^"]*)"[^>]*data-testid="${testId}"`))?.[1]?.replaceAll('&amp;', '&') ?? '';
const sealedIn = (visit: Visit) => visit.html.match(/name="request" value="([^"]+)"/)?.[1] ?? '';
const asksToSignIn = (visit: Visit) => /action="[^"]*\/sign-in"/.test(visit.html);
const isAnswered = (visit: Visit) =>
  !visit.url.startsWith(server.issuer) && new URL(visit.url).searchParams.has('code') && stateOf(visit) === STATE;
const stateOf = (visit: Visit) => new URL(visit.url).searchParams.get('state');

/** A form as the browser sends it: the page's copy of the request goes along. */
const submit = (agent: UserAgent, visit: Visit, action: string, fields: Record<string, string> = {}) =>
  agent.post(actionOf(visit, action), { ...fields, request: sealedIn(visit) });

const signIn = (agent: UserAgent, visit: Visit, email = ALICE.email) =>
  submit(agent, visit, 'sign-in', { email, password: DEMO_PASSWORD });

interface Situation {
  readonly agent: UserAgent;
  readonly signInPage: Visit;
  readonly consentPage: Visit;
}

async function upToConsent(): Promise<Situation> {
  const agent = new UserAgent(server.issuer);
  const signInPage = await agent.get(request());
  return { agent, signInPage, consentPage: await signIn(agent, signInPage) };
}

/** What happens between a page and its use. */
const SITUATIONS: Readonly<Record<string, (situation: Situation) => Promise<UserAgent>>> = {
  'after the answer': async ({ agent, consentPage }) => {
    await agent.approve(consentPage);
    return agent;
  },
  'when the interaction is over': async ({ agent }) => {
    await server.pool.query(`delete from artifacts where kind = 'Interaction'`);
    return agent;
  },
  'in a browser that has lost its cookies': async () => new UserAgent(server.issuer),
  'after signing out in another tab': async ({ agent }) => {
    await agent.signOut(await agent.get('/session/end'));
    return agent;
  },
  'at another node, after the answer': async ({ agent, consentPage }) => {
    await agent.approve(consentPage);
    agent.node = otherNode;
    return agent;
  },
};

describe.each(Object.entries(SITUATIONS))('C52: a page %s', (_name, happens) => {
  it.each([
    ['the sign-in page, opened again', (agent, { signInPage }) => agent.get(signInPage.bookmark)],
    ['the sign-in form', (agent, { signInPage }) => signIn(agent, signInPage)],
    ['the consent page, opened again', (agent, { consentPage }) => agent.get(consentPage.bookmark)],
    ['the consent form', (agent, { consentPage }) => submit(agent, consentPage, 'consent')],
  ] satisfies [string, (agent: UserAgent, situation: Situation) => Promise<Visit>][])(
    'leads to where the person wanted to go: %s',
    async (_page, use) => {
      const situation = await upToConsent();
      const agent = await happens(situation);
      const visit = await use(agent, situation);
      expect(visit.status).toBeLessThan(400);
      const end = isAnswered(visit) ? visit : await agent.goThrough(visit, ALICE);
      expect(isAnswered(end)).toBe(true);
    },
  );
});

describe('what was typed', () => {
  it('stands in the form of the sign-in that begins again, and in no address in clear', async () => {
    const { signInPage } = await upToConsent();
    const agent = new UserAgent(server.issuer);
    const visit = await signIn(agent, signInPage, 'somebody@example.com');
    expect(visit.html).toContain('value="somebody@example.com"');
    expect(visit.html).not.toContain(DEMO_PASSWORD);
    expect(visit.bookmark).toContain('?request=');
    expect(decodeURIComponent(visit.bookmark)).not.toMatch(/somebody|example\.com/);
  });
});

describe('a browser without cookies', () => {
  const open = async (path: string) => {
    let visit = await new UserAgent(server.issuer).send(path);
    const passed = [];
    while (visit.headers.has('location')) {
      passed.push(new URL(visit.headers.get('location') ?? '', server.issuer).pathname.split('/')[1]);
      visit = await new UserAgent(server.issuer).send(visit.headers.get('location') ?? '');
    }
    return { visit, passed };
  };

  it('is told that it has to keep one, after one more attempt and no more', async () => {
    const { visit, passed } = await open(request());
    expect(passed).toEqual(['interaction', 'auth', 'interaction']);
    expect(visit.status).toBe(400);
    expect(text(visit, 'error-code')).toBe('cookies_needed');
  });

  it('goes on from there as soon as it keeps them', async () => {
    const { visit } = await open(request());
    const again = linkOf(visit, 'error-again');
    expect((await open(again)).visit.html).toContain('cookies_needed');
    const agent = new UserAgent(server.issuer);
    expect(isAnswered(await agent.goThrough(await agent.get(again), ALICE))).toBe(true);
  });
});

describe('who cancels', () => {
  it('is not signed in because nothing was there to be cancelled any more, and can go on', async () => {
    const { agent, consentPage } = await upToConsent();
    await agent.approve(consentPage);
    const visit = await submit(agent, consentPage, 'abort');
    expect(text(visit, 'error-title')).toBe('This sign-in has ended');
    expect(linkOf(visit, 'error-client-home')).toBe('http://localhost:3002/');
    expect(isAnswered(await agent.get(linkOf(visit, 'error-again')))).toBe(true);
  });

  it('is so also where the second half of a double click finds nothing', async () => {
    const { agent, consentPage } = await upToConsent();
    const answer = await agent.send(actionOf(consentPage, 'abort'), { method: 'POST', body: new URLSearchParams() });
    const resume = answer.headers.get('location') ?? '';
    expect(new URL((await agent.get(resume)).url).searchParams.get('error')).toBe('access_denied');
    const second = await agent.get(resume);
    expect(text(second, 'error-title')).toBe('This sign-in has ended');
    expect(linkOf(second, 'error-again')).toContain('/again?request=');
  });
});

describe('C54: somebody else is signed in by now', () => {
  /** Alice had the page in one tab; the guest signs in in another. */
  async function taken() {
    const situation = await upToConsent();
    const { agent } = situation;
    const spa = createRelyingParty(server.issuer, DEMO_SPA);
    await agent.authorize(spa.authorizationUrl({ scope: 'openid', prompt: 'login' }), GUEST);
    return situation;
  }

  it.each([
    ['the consent form', (agent: UserAgent, { consentPage }: Situation) => submit(agent, consentPage, 'consent')],
    ['the consent page', (agent: UserAgent, { consentPage }: Situation) => agent.get(consentPage.bookmark)],
    ['the sign-in form', (agent: UserAgent, { signInPage }: Situation) => signIn(agent, signInPage)],
  ])('and the person is asked who goes on: %s', async (_name, use) => {
    const situation = await taken();
    const { agent } = situation;
    const visit = await use(agent, situation);
    expect(visit.status).toBe(200);
    expect(text(visit, 'other-account-current')).toBe(GUEST.email);
    expect(visit.html).toContain(`Sign in as ${ALICE.email}`);

    const asGuest = await agent.clone().get(linkOf(visit, 'other-account-continue'));
    expect(asGuest.html).toContain(GUEST.email);
    expect(asGuest.html).not.toContain(ALICE.email);

    const asAlice = await agent.get(linkOf(visit, 'other-account-sign-in'));
    expect(asksToSignIn(asAlice)).toBe(true);
    expect(asAlice.html).toContain(`value="${ALICE.email}"`);
    expect(isAnswered(await agent.goThrough(await signIn(agent, asAlice), ALICE))).toBe(true);
  });

  it('and only the browser that had shown her page is told of Alice', async () => {
    const { consentPage } = await upToConsent();
    const other = new UserAgent(server.issuer);
    await other.authorize(request(), GUEST);
    const begun = consentPage.bookmark.replace('?', '/again?');
    for (const address of [consentPage.bookmark, begun]) {
      const visit = await other.get(address);
      expect(text(visit, 'other-account-current')).toBe(GUEST.email);
      expect(visit.html).not.toContain(ALICE.email);
    }
  });

  it('and is asked for everything that the client had asked for, whatever the other’s roles permit', async () => {
    const wide = web.authorizationUrl({ scope: 'openid records:read records:write', state: STATE });
    const agent = new UserAgent(server.issuer);
    const consentPage = await signIn(agent, await agent.get(wide), GUEST.email);
    expect(consentPage.html).not.toContain('scope:records:write');
    await agent.authorize(request({ scope: 'openid', prompt: 'login' }), ALICE);
    const visit = await submit(agent, consentPage, 'consent');
    expect(text(visit, 'other-account-current')).toBe(ALICE.email);
    expect((await agent.get(linkOf(visit, 'other-account-continue'))).html).toContain('scope:records:write');
  });
});

describe('C51 C95: the copy of a request', () => {
  it('that is altered, cut or another’s begins nothing', async () => {
    const { consentPage } = await upToConsent();
    const sealed = sealedIn(consentPage);
    for (const copy of ['', 'client_id=demo-web', `${sealed.slice(0, -2)}AA`, sealed.slice(1), `${sealed}&request=x`]) {
      const visit = await new UserAgent(server.issuer).get(`/interaction/x?request=${copy}`);
      expect(visit.status).toBe(400);
      expect(text(visit, 'error-code')).toBe('sign_in_lost');
    }
  });

  it('leads to the address that the client has registered now, and to no other', async () => {
    const { signInPage } = await upToConsent();
    const visit = await new UserAgent(server.issuer).send(signInPage.bookmark);
    expect(visit.headers.get('location')).toMatch(/^\/auth\?client_id=demo-web&/);
    expect(visit.headers.get('referrer-policy')).toBe('no-referrer');
    expect(visit.headers.get('cache-control')).toBe('no-store');
  });
});
