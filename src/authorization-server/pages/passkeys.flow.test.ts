import { decodeJwt } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { visitorOf } from '../../testing/account-console.ts';
import { type AuthenticatorBehaviour, SoftwareAuthenticator } from '../../testing/authenticator.ts';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import { createPkce, createRelyingParty, DEMO_WEB, type RelyingParty } from '../../testing/relying-party.ts';
import { fieldsOf } from '../../testing/second-factors.ts';
import { actionOf, DEMO_PASSWORD, UserAgent, type Visit } from '../../testing/user-agent.ts';

let server: TestServer;
let party: RelyingParty;
let email: string;
let count = 0;

beforeAll(async () => {
  server = await startTestServer();
  party = createRelyingParty(server.issuer, DEMO_WEB);
});

afterAll(() => server?.stop());

beforeEach(async () => {
  count += 1;
  email = await newcomer(`pia${count}@example.com`);
});

async function newcomer(address: string): Promise<string> {
  await server.apply({ accounts: [{ email: address, name: 'Pia Quist', password: DEMO_PASSWORD, roles: ['user'] }] });
  return address;
}

/** What the page gives its script. */
function optionsIn({ html }: Visit, kind: 'get' | 'create') {
  const escaped = html.match(new RegExp(`data-passkey="${kind}" data-options="([^"]*)"`))?.[1];
  if (escaped === undefined) {
    throw new Error(`no passkey is asked for: ${html}`);
  }
  return JSON.parse(escaped.replaceAll('&#34;', '"'));
}

/** A passkey that is made in the console, by whoever has the email address. */
async function addPasskey(
  owner: string | UserAgent = email,
  { synced = false, ...behaviour }: AuthenticatorBehaviour & { synced?: boolean } = {},
) {
  const visitor = typeof owner === 'string' ? await visitorOf(server, { email: owner }) : owner;
  const page = await visitor.get('/account/passkeys');
  const passkey = new SoftwareAuthenticator(new URL(server.issuer).origin, { synced });
  const credential = passkey.create(optionsIn(page, 'create'), behaviour);
  const added = await visitor.post('/account/passkeys/add', { credential });
  return { passkey, visitor, added };
}

const signInPage = async (browser: UserAgent, parameters = {}) =>
  browser.get(party.authorizationUrl({ scope: 'openid', ...parameters }));
const send = (browser: UserAgent, page: Visit, credential: string, fields = {}) =>
  browser.post(actionOf(page, 'passkey'), { credential, ...fields });
const progressIn = ({ html }: Visit) => html.match(/name="progress" value="([^"]*)"/)?.[1] ?? '';
const isSignedIn = (visit: Visit) =>
  visit.html.includes('data-testid="consent-form"') || !visit.url.includes('/interaction/');

async function failures() {
  const { rows } = await server.pool.query(
    `select details->>'reason' as reason from audit_events join accounts using (account_id)
     where email = $1 and kind = 'sign_in_failed' order by at`,
    [email],
  );
  return rows.map(({ reason }) => reason);
}

/** Signs in with the passkey alone, and says what the client is told of that. */
async function claimsOf(signIn: (browser: UserAgent, page: Visit) => Promise<Visit>, parameters = {}) {
  const pkce = createPkce();
  const browser = new UserAgent(server.issuer);
  const page = await browser.get(party.authorizationUrl({ scope: 'openid', ...parameters }, pkce));
  const answer = await browser.goThrough(await signIn(browser, page), { email });
  const code = new URL(answer.url).searchParams.get('code') ?? '';
  const { body } = await party.requestToken({
    grant_type: 'authorization_code',
    code,
    code_verifier: pkce.verifier,
    redirect_uri: DEMO_WEB.redirectUri,
  });
  const { amr, acr } = decodeJwt(String(body.id_token));
  return { amr, acr };
}

it('signs in with a passkey alone, and tells the client so', async () => {
  const { passkey, visitor, added } = await addPasskey();
  expect(added.url).toContain('said=passkeys.said.added');
  const alone = (browser: UserAgent, page: Visit) => send(browser, page, passkey.get(optionsIn(page, 'get')));
  expect(await claimsOf(alone)).toEqual({ acr: 'phr', amr: ['hwk', 'user', 'mfa'] });
  const { passkey: synced } = await addPasskey(visitor, { synced: true });
  const withSynced = (browser: UserAgent, page: Visit) => send(browser, page, synced.get(optionsIn(page, 'get')));
  expect(await claimsOf(withSynced, { acr_values: 'phr' })).toEqual({ acr: 'phr', amr: ['swk', 'user', 'mfa'] });
  const { rows } = await server.pool.query(
    `select kind, details from audit_events join accounts using (account_id)
     where email = $1 and kind in ('passkey_added', 'sign_in') and details->>'method' is distinct from 'password' order by at`,
    [email],
  );
  expect(rows.filter(({ kind }) => kind === 'passkey_added')).toHaveLength(2);
  expect(rows.filter(({ details }) => details.method === 'passkey')).toHaveLength(2);
});

it('confirms a password with a passkey, which need not ask for the lock of its device', async () => {
  const { passkey } = await addPasskey();
  const both = async (browser: UserAgent, page: Visit) => {
    const second = await browser.signIn(page, { email });
    expect(optionsIn(second, 'get')).toMatchObject({
      userVerification: 'preferred',
      allowCredentials: [{ id: passkey.id.toString('base64url') }],
    });
    const credential = passkey.get(optionsIn(second, 'get'), { verifiesUser: false });
    return send(browser, second, credential, { progress: progressIn(second) });
  };
  expect(await claimsOf(both)).toEqual({ acr: 'phr', amr: ['pwd', 'hwk', 'user', 'mfa'] });
});

it('takes a signature of which a number is short, as one in a hundred is', async () => {
  const { passkey } = await addPasskey();
  const browser = new UserAgent(server.issuer);
  const page = await signInPage(browser);
  // DER (X.690 §8.3): leading zeros of a number are left out. Byte 3 is the length of the first one.
  let credential: string;
  do {
    credential = passkey.get(optionsIn(page, 'get'));
  } while ((Buffer.from(JSON.parse(credential).response.signature, 'base64url')[3] ?? 0) >= 32);
  expect(isSignedIn(await send(browser, page, credential))).toBe(true);
});

it('asks a passkey that stands alone for the lock of its device', async () => {
  const { passkey } = await addPasskey();
  const browser = new UserAgent(server.issuer);
  const page = await signInPage(browser);
  expect(optionsIn(page, 'get')).toMatchObject({ userVerification: 'required' });
  const visit = await send(browser, page, passkey.get(optionsIn(page, 'get'), { verifiesUser: false }));
  expect([visit.status, isSignedIn(visit)]).toEqual([401, false]);
  expect(await failures()).toEqual(['not verified']);
});

it('takes an answer once, at any node', async () => {
  const { passkey } = await addPasskey();
  const browser = new UserAgent(server.issuer);
  const page = await signInPage(browser);
  const credential = passkey.get(optionsIn(page, 'get'));
  const other = browser.clone();
  other.node = await server.addNode();
  const visits = await Promise.all([send(browser, page, credential), send(other, page, credential)]);
  expect(visits.filter(isSignedIn)).toHaveLength(1);
});

it('takes an answer only for the sign-in that asked for it', async () => {
  const { passkey } = await addPasskey();
  const [thief, victim] = [new UserAgent(server.issuer), new UserAgent(server.issuer)];
  const [theirs, own] = [await signInPage(thief), await signInPage(victim)];
  expect((await send(thief, theirs, passkey.get(optionsIn(own, 'get')))).status).toBe(401);
  const elsewhere = passkey.get(optionsIn(own, 'get'), { origin: 'https://phishing.example' });
  expect((await send(victim, own, elsewhere)).status).toBe(401);
  const invented = passkey.get({ ...optionsIn(own, 'get'), challenge: Buffer.alloc(54).toString('base64url') });
  expect((await send(victim, own, invented)).status).toBe(401);
  expect(await failures()).toEqual(['not verified', 'not verified', 'not verified']);
  expect(isSignedIn(await send(victim, own, passkey.get(optionsIn(own, 'get'))))).toBe(true);
});

it('refuses a passkey whose counter does not rise: there are two of it', async () => {
  const { passkey } = await addPasskey(email, { counter: 7 });
  const browser = new UserAgent(server.issuer);
  const attempt = async (counter: number) => {
    const page = await signInPage(browser, { prompt: 'login' });
    return isSignedIn(await send(browser, page, passkey.get(optionsIn(page, 'get'), { counter })));
  };
  expect([await attempt(8), await attempt(8), await attempt(3), await attempt(9)]).toEqual([true, false, false, true]);
  expect(await failures()).toHaveLength(2);
});

it('lets nobody confirm a password with somebody else’s passkey', async () => {
  await addPasskey();
  const { passkey: strange } = await addPasskey(await newcomer(`mallory${count}@example.com`));
  const browser = new UserAgent(server.issuer);
  const second = await browser.signIn(await signInPage(browser), { email });
  const credential = strange.get(optionsIn(second, 'get'));
  const visit = await send(browser, second, credential, { progress: progressIn(second) });
  expect([visit.status, isSignedIn(visit)]).toEqual([401, false]);
  expect(visit.html).toContain('That passkey did not work.');
});

it('C57: says the same of an unknown passkey, a disabled account and rubbish', async () => {
  const { passkey } = await addPasskey();
  await server.pool.query('update accounts set disabled_at = now() where email = $1', [email]);
  const unknown = new SoftwareAuthenticator(new URL(server.issuer).origin);
  const browser = new UserAgent(server.issuer);
  const page = await signInPage(browser);
  const answers = [
    passkey.get(optionsIn(page, 'get')),
    unknown.get(optionsIn(page, 'get')),
    '',
    'null',
    '{"id":"a"}',
    JSON.stringify({ ...JSON.parse(unknown.get(optionsIn(page, 'get'))), id: 'x'.repeat(10_000) }),
  ];
  for (const credential of answers) {
    const visit = await send(browser, page, credential);
    expect([visit.status, visit.html.match(/data-testid="sign-in-problem">([^<]*)/)?.[1]]).toEqual([
      401,
      'That passkey did not work. Try another one, or sign in another way.',
    ]);
  }
});

it('tells the browser of a passkey that is gone, and of no other', async () => {
  const { passkey, visitor } = await addPasskey();
  const id = passkey.id.toString('base64url');
  const browser = new UserAgent(server.issuer);
  const page = await signInPage(browser);
  const refused = await send(browser, page, passkey.get(optionsIn(page, 'get'), { verifiesUser: false }));
  expect(refused.html).not.toContain('data-unknown');
  expect((await visitor.post('/account/passkeys/remove', { id })).url).toContain('said=passkeys.said.removed');
  const gone = await send(browser, refused, passkey.get(optionsIn(refused, 'get')));
  expect(gone.html).toContain(`data-unknown="${id}"`);
});

it('lets the owner rename and remove a passkey, and nobody else', async () => {
  const { passkey, visitor } = await addPasskey();
  const id = passkey.id.toString('base64url');
  const stranger = await visitorOf(server, { email: await newcomer(`eve${count}@example.com`) });
  await stranger.post('/account/passkeys/rename', { id, name: 'Mine now' });
  await stranger.post('/account/passkeys/remove', { id });
  const renamed = await visitor.post('/account/passkeys/rename', { id, name: '<b>The blue one</b>' });
  expect(renamed.html).toContain('&lt;b&gt;The blue one&lt;/b&gt;');
  expect((await visitor.post('/account/passkeys/rename', { id, name: ' ' })).status).toBe(400);
  const { html } = await visitor.post('/account/passkeys/remove', { id });
  expect(html).toContain('data-testid="no-passkeys"');
});

it('adds a passkey only from the session that asked for it, and each once', async () => {
  const passkey = new SoftwareAuthenticator(new URL(server.issuer).origin);
  const [one, other] = await Promise.all([visitorOf(server, { email }), visitorOf(server, { email })]);
  const options = optionsIn(await one.get('/account/passkeys'), 'create');
  const add = (browser: UserAgent, credential: string) => browser.post('/account/passkeys/add', { credential });
  expect((await add(other, passkey.create(options))).status).toBe(400);
  expect((await add(one, passkey.create(options, { verifiesUser: false }))).status).toBe(400);
  expect((await add(one, '{}')).status).toBe(400);
  expect((await add(one, passkey.create(options))).status).toBe(200);
  expect((await add(one, passkey.create(options))).status).toBe(400);
  const again = optionsIn(await one.get('/account/passkeys'), 'create');
  expect(again.excludeCredentials).toMatchObject([{ id: passkey.id.toString('base64url') }]);
  expect((await add(one, passkey.create(again))).status).toBe(400);
});

describe('somebody who must have a second factor and has none', () => {
  const asked = { claims: JSON.stringify({ id_token: { acr: { essential: true, values: ['mfa'] } } }) };
  /** Up to the page that asks for a second factor to be set up, and a passkey for it. */
  async function begin() {
    const browser = new UserAgent(server.issuer);
    const page = await browser.signIn(await signInPage(browser, asked), { email });
    return { browser, page, passkey: new SoftwareAuthenticator(new URL(server.issuer).origin) };
  }
  const add = (browser: UserAgent, page: Visit, credential: string) =>
    browser.post(actionOf(page, 'set-up/passkey'), { ...fieldsOf(page), credential });

  it('makes a passkey on the way, keeps the recovery codes, and shows that it works', async () => {
    const { browser, page, passkey } = await begin();
    const codes = await add(browser, page, passkey.create(optionsIn(page, 'create')));
    expect(codes.html.match(/<li><code>/g)).toHaveLength(10);
    const second = await browser.post(actionOf(codes, 'set-up/done'), fieldsOf(codes));
    expect(isSignedIn(second)).toBe(false);
    const credential = passkey.get(optionsIn(second, 'get'), { verifiesUser: false });
    expect(isSignedIn(await send(browser, second, credential, { progress: progressIn(second) }))).toBe(true);
    const { rows } = await server.pool.query(
      `select kind, details from audit_events join accounts using (account_id) where email = $1 order by at, id`,
      [email],
    );
    expect(rows.slice(-3).map(({ kind }) => kind)).toEqual(['passkey_added', 'recovery_codes_made', 'sign_in']);
    expect(rows.at(-1).details).toEqual({ method: 'password+passkey', acr: 'phr', passkey: expect.any(String) });
  });

  it('cannot use what another page, or another sign-in, has asked for', async () => {
    const [{ browser, page, passkey }, other] = [await begin(), await begin()];
    const wrong = await add(browser, page, passkey.create(optionsIn(other.page, 'create')));
    expect([wrong.status, wrong.html.includes('data-testid="set-up-problem"')]).toEqual([400, true]);
    expect((await add(browser, page, '{}')).status).toBe(400);
    const again = optionsIn(wrong, 'create');
    expect((await add(browser, wrong, passkey.create(again, { verifiesUser: false }))).status).toBe(400);
    expect((await add(browser, wrong, passkey.create(again))).html).toContain('<li><code>');
  });

  it('cannot make one instead of proving the one that is there', async () => {
    const [owner, thief] = [await begin(), await begin()];
    await add(owner.browser, owner.page, owner.passkey.create(optionsIn(owner.page, 'create')));
    const answer = await add(thief.browser, thief.page, thief.passkey.create(optionsIn(thief.page, 'create')));
    expect(optionsIn(answer, 'get').allowCredentials).toMatchObject([{ id: owner.passkey.id.toString('base64url') }]);
  });
});

it('fills no table with what strangers make up', async () => {
  const rows = async () => (await server.pool.query('select count(*)::integer as n from audit_events')).rows[0].n;
  const browser = new UserAgent(server.issuer);
  const page = await signInPage(browser);
  const before = await rows();
  const unknown = new SoftwareAuthenticator(new URL(server.issuer).origin).get(optionsIn(page, 'get'));
  for (const credential of ['', '{}', unknown]) {
    expect((await send(browser, page, credential)).status).toBe(401);
  }
  expect(await rows()).toBe(before);
});

it('leads back to the sign-in from the address of a form that was answered', async () => {
  const browser = new UserAgent(server.issuer);
  const page = await signInPage(browser);
  const refused = await send(browser, page, '{}');
  expect(refused.status).toBe(401);
  const again = await browser.get(refused.url);
  expect([again.status, again.html.includes('data-testid="sign-in-form"')]).toEqual([200, true]);
});
