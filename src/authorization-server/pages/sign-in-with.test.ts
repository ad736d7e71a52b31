import { decodeJwt } from 'jose';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import { mailsTo } from '../../testing/mailbox.ts';
import { createPkce, createRelyingParty, DEMO_WEB, tokensOf } from '../../testing/relying-party.ts';
import { actionOf, UserAgent, type Visit } from '../../testing/user-agent.ts';

/** The same program, as somebody else's provider. */
let upstream: TestServer;
let server: TestServer;

beforeAll(async () => {
  upstream = await startTestServer();
  const provider = {
    issuer: upstream.issuer,
    clientId: 'concierge',
    clientSecret: 'a-secret-of-concierge-at-the-other-provider',
    clientSecretVariable: null,
    scopes: ['openid', 'profile', 'email'],
    claims: { email: 'email', emailVerified: 'email_verified', name: 'name' },
  };
  server = await startTestServer({
    config: (config) => ({
      ...config,
      upstreamProviders: [
        { ...provider, id: 'other', name: 'The Other', createsAccounts: true },
        { ...provider, id: 'members', name: 'Members', createsAccounts: false },
        { ...provider, id: 'away', name: 'Away', issuer: 'http://localhost:1', createsAccounts: false },
      ],
    }),
  });
  await upstream.apply({
    clients: [
      {
        client_id: 'concierge',
        client_secret: provider.clientSecret,
        grant_types: ['authorization_code'],
        response_types: ['code'],
        redirect_uris: ['other', 'members'].map((id) => `${server.issuer}/sign-in-with/${id}/callback`),
        scope: 'openid profile email',
      },
    ],
    accounts: ['newcomer', 'stranger', 'late', 'twice', 'twin']
      .map((name) => account(name))
      .concat(account('unverified', false)),
  });
  await server.apply({ accounts: [account('twin', false)] });
});
afterAll(() => Promise.all([server?.stop(), upstream?.stop()]));

function account(name: string, verified = true) {
  const email = `${name}@example.com`;
  return { email, name, password: 'correct-horse-battery-staple', email_verified: verified, roles: [] as string[] };
}

const client = () => createRelyingParty(server.issuer, DEMO_WEB);
const request = (more: Record<string, string> = {}) => client().authorizationUrl({ scope: 'openid profile', ...more });
const problemIn = ({ html }: Visit) => /data-testid="sign-in-problem">([^<]+)</.exec(html)?.[1];
const isAtConsent = ({ html }: Visit) => html.includes('data-testid="consent-form"');

/** A person with a browser, which knows both servers. */
function person(email: string) {
  const here = new UserAgent(server.issuer);
  const there = new UserAgent(upstream.issuer);
  /** From the sign-in page to the provider. */
  const leave = async (provider: string, asked = request()): Promise<string> => {
    const page = await here.get(asked);
    return (await here.post(actionOf(page, `sign-in-with/${provider}`), {})).url;
  };
  /** From there back to the callback's address. */
  const answerThere = (url: string) => there.authorize(url, { email });
  return {
    here,
    leave,
    answerThere,
    signInWith: async (provider: string, asked = request()): Promise<Visit> =>
      here.get((await answerThere(await leave(provider, asked))).href),
  };
}

async function identitiesOf(email: string) {
  const { rows } = await server.pool.query(
    'select provider from accounts join account_identities using (account_id) where email_canonical = $1',
    [email],
  );
  return rows.map(({ provider }) => provider);
}

it('lets somebody in whom the provider knows, with an account that is made for them', async () => {
  const visit = await person('newcomer@example.com').signInWith('other');
  expect(isAtConsent(visit)).toBe(true);
  expect(await identitiesOf('newcomer@example.com')).toEqual(['other']);
  const { rows } = await server.pool.query(
    `select email_verified, name, password_hash, array_agg(role) as roles from accounts join account_roles using (account_id)
     where email_canonical = 'newcomer@example.com' group by account_id`,
  );
  expect(rows).toEqual([{ email_verified: true, name: 'newcomer', password_hash: null, roles: ['user'] }]);
});

it('says in the ID token that it was another who knew them', async () => {
  const { here, signInWith } = person('late@example.com');
  const pkce = createPkce();
  const visit = await signInWith('other', client().authorizationUrl({ scope: 'openid' }, pkce));
  const { searchParams } = new URL((await here.goThrough(visit)).url);
  const tokens = await client().exchange({ code: searchParams.get('code') ?? '', verifier: pkce.verifier });
  expect(decodeJwt(tokensOf(tokens).id_token)).toMatchObject({ amr: ['fed'], acr: '1fa' });
});

it('makes no account where only members may come', async () => {
  const visit = await person('stranger@example.com').signInWith('members');
  expect([visit.status, problemIn(visit)]).toEqual([403, expect.stringMatching(/no account here for you/)]);
  expect(await identitiesOf('stranger@example.com')).toEqual([]);
});

it('believes no address that the provider has not verified', async () => {
  const visit = await person('unverified@example.com').signInWith('other');
  expect(problemIn(visit)).toMatch(/did not tell us a verified email address/);
});

it('connects an account that is there already only when its owner has signed in to it', async () => {
  const alice = person('alice@example.com');
  const visit = await alice.signInWith('members');
  expect(problemIn(visit)).toMatch(/account here for alice@example.com already/);
  expect(await identitiesOf('alice@example.com')).toEqual([]);
  expect(isAtConsent(await alice.here.signIn(visit, { email: 'alice@example.com' }))).toBe(true);
  expect(await identitiesOf('alice@example.com')).toEqual(['members']);
  const [{ text = '' } = {}] = await mailsTo(server.issuer, 'alice@example.com', 1);
  expect(text).toMatch(/Members was connected to your .* account/);
  expect(isAtConsent(await person('alice@example.com').signInWith('members'))).toBe(true);
});

it('connects nobody else’s account with it', async () => {
  const guest = person('guest@example.com');
  const visit = await guest.signInWith('members');
  expect(isAtConsent(await guest.here.signIn(visit, { email: 'admin@example.com' }))).toBe(true);
  expect([await identitiesOf('guest@example.com'), await identitiesOf('admin@example.com')]).toEqual([[], []]);
});

it('connects no account whose address nobody has verified here', async () => {
  const twin = person('twin@example.com');
  const visit = await twin.signInWith('members');
  expect(isAtConsent(await twin.here.signIn(visit, { email: 'twin@example.com' }))).toBe(true);
  expect(await identitiesOf('twin@example.com')).toEqual([]);
});

it('takes an answer once, and only in the browser that was sent for it', async () => {
  const { here, leave, answerThere } = person('twice@example.com');
  const callback = (await answerThere(await leave('other'))).href;
  const thief = new UserAgent(server.issuer);
  await thief.get(request());
  expect((await thief.get(callback)).status).toBe(400);
  expect(isAtConsent(await here.get(callback))).toBe(true);
  expect((await here.get(callback)).status).toBe(400);
});

it('takes no answer of another sign-in, and none that was changed', async () => {
  const { here, leave, answerThere } = person('twice@example.com');
  const callback = await answerThere(await leave('other'));
  callback.searchParams.set('code', 'x'.repeat(43));
  const visit = await here.get(callback.href);
  expect([visit.status, problemIn(visit)]).toEqual([503, expect.stringMatching(/can’t reach The Other/)]);
});

it('goes on when the person said no there', async () => {
  const { here, leave } = person('newcomer@example.com');
  const { searchParams } = new URL(await leave('other'));
  const no = new URL(searchParams.get('redirect_uri') ?? '');
  no.search = new URLSearchParams({
    error: 'access_denied',
    state: searchParams.get('state') ?? '',
    iss: upstream.issuer,
  }).toString();
  const visit = await here.get(no.href);
  expect(problemIn(visit)).toMatch(/cancelled there/);
  expect(isAtConsent(await here.signIn(visit, { email: 'alice@example.com' }))).toBe(true);
});

it('says so when the provider cannot be reached', async () => {
  const { here } = person('alice@example.com');
  const visit = await here.post(actionOf(await here.get(request()), 'sign-in-with/away'), {});
  expect([visit.status, problemIn(visit)]).toEqual([503, expect.stringMatching(/can’t reach Away/)]);
});

it('asks for a fresh sign-in there where the client wants one here', async () => {
  const { leave } = person('newcomer@example.com');
  const { searchParams } = new URL(await leave('other', request({ prompt: 'login' })));
  expect(Object.fromEntries(searchParams)).toMatchObject({ prompt: 'login', max_age: '0' });
});

it('keeps no more in a cookie than a browser takes, however long the request is', async () => {
  const { here } = person('newcomer@example.com');
  for (const length of [10, 1000, 1500, 3000, 4000]) {
    const page = await here.get(request({ state: 's'.repeat(length) }));
    const fields = { request: /name="request" value="([^"]+)"/.exec(page.html)?.[1] ?? '' };
    const answer = await here.send(actionOf(page, 'sign-in-with/other'), {
      method: 'POST',
      body: new URLSearchParams(fields),
    });
    const [cookie = ''] = answer.headers.getSetCookie().filter((one) => one.startsWith('sent_away_'));
    expect(cookie).not.toBe('');
    expect(cookie.length).toBeLessThan(4096);
  }
});

it('lets nobody in whose account was disabled', async () => {
  await person('newcomer@example.com').signInWith('other');
  await server.pool.query("update accounts set disabled_at = now() where email_canonical = 'newcomer@example.com'");
  const visit = await person('newcomer@example.com').signInWith('other');
  expect([visit.status, isAtConsent(visit)]).toEqual([403, false]);
});
