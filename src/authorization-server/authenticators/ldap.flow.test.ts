import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import { LDAP_ADMIN, LDAP_BASE, LDAP_SERVERS, type LdapServer } from '../../testing/ldap.ts';
import { createRelyingParty, DEMO_WEB } from '../../testing/relying-party.ts';
import { UserAgent } from '../../testing/user-agent.ts';

const PEOPLE = `ou=people,${LDAP_BASE}`;
const person = (uid: string, mail = `${uid}@example.com`) => ({
  dn: `uid=${uid},${PEOPLE}`,
  attributes: { uid, mail, cn: `Person ${uid}`, sn: uid, userPassword: `password-of-${uid}` },
});

let ldap: LdapServer;
let server: TestServer;

beforeAll(async () => {
  const [kind] = LDAP_SERVERS;
  ldap = (await kind?.start(['carol', 'dave', 'erin', 'alice', 'frank'].map((uid) => person(uid)))) as LdapServer;
  server = await startTestServer({
    config: (config) => ({ ...config, ...settings('(mail={email})') }),
  });
});
afterAll(async () => {
  await server?.stop();
  await ldap?.stop();
});

const settings = (searchFilter: string) => ({
  lockout: { attempts: 3, seconds: 900 },
  ldap: {
    url: ldap.url,
    startTls: false,
    bindDn: LDAP_ADMIN.dn,
    bindPassword: LDAP_ADMIN.password,
    searchBase: PEOPLE,
    searchFilter,
    attributes: { email: 'mail', name: 'cn' },
    createsAccounts: true,
  },
});

const request = () => createRelyingParty(server.issuer, DEMO_WEB).authorizationUrl({ scope: 'openid profile email' });

async function attempt(email: string, password: string) {
  const browser = new UserAgent(server.issuer);
  return browser.signIn(await browser.get(request()), { email, password });
}

const problemIn = ({ html }: { html: string }) => /data-testid="sign-in-problem">([^<]+)</.exec(html)?.[1];
const isLetIn = (visit: Awaited<ReturnType<typeof attempt>>) => visit.html.includes('data-testid="consent-form"');

async function accountsOf(email: string) {
  const { rows } = await server.pool.query(
    `select name, email_verified, password_hash, provider from accounts left join account_identities using (account_id)
     where email_canonical = $1`,
    [email],
  );
  return rows;
}

it('lets somebody in for the first time, and makes one account, without a password of its own', async () => {
  expect(isLetIn(await attempt('carol@example.com', 'password-of-carol'))).toBe(true);
  expect(isLetIn(await attempt('Carol@Example.com', 'password-of-carol'))).toBe(true);
  expect(await accountsOf('carol@example.com')).toEqual([
    { name: 'Person carol', email_verified: true, password_hash: null, provider: 'ldap' },
  ]);
});

it('refuses a wrong password and somebody who is nowhere in the same words', async () => {
  const [wrong, nobody] = [
    await attempt('dave@example.com', 'wrong'),
    await attempt('nobody@example.com', 'password-of-dave'),
  ];
  expect([wrong.status, nobody.status]).toEqual([401, 401]);
  expect(problemIn(wrong)).toMatch(/don’t match/);
  expect(problemIn(nobody)).toBe(problemIn(wrong));
  expect(await accountsOf('dave@example.com')).toEqual([]);
});

it('takes no password of the directory for an account that has its own', async () => {
  expect((await attempt('alice@example.com', 'password-of-alice')).status).toBe(401);
  expect(isLetIn(await attempt('alice@example.com', 'correct-horse-battery-staple'))).toBe(true);
});

it('C59: lets nobody guess on, neither before an account is made nor afterwards', async () => {
  for (const email of ['erin@example.com', 'carol@example.com']) {
    const uid = email.split('@')[0];
    for (let guess = 0; guess < 3; guess += 1) {
      await attempt(email, `guess ${guess}`);
    }
    expect((await attempt(email, `password-of-${uid}`)).status).toBe(401);
  }
});

it('C59: lets nobody guess on by writing a name in another way', async () => {
  const node = await server.addNode({
    config: (config) => ({ ...config, ...settings('(uid={email})') }),
  });
  const guess = async (name: string, password: string) => {
    const browser = new UserAgent(server.issuer);
    browser.node = node;
    return browser.signIn(await browser.get(request()), { email: name, password });
  };
  for (const name of ['DAVE', 'Dave', 'dAVE']) {
    await guess(name, 'guess');
  }
  expect((await guess('davE', 'password-of-dave')).status).toBe(401);
});

it('lets nobody in whose account is disabled', async () => {
  expect(isLetIn(await attempt('frank@example.com', 'password-of-frank'))).toBe(true);
  await server.pool.query("update accounts set disabled_at = now() where email_canonical = 'frank@example.com'");
  expect((await attempt('frank@example.com', 'password-of-frank')).status).toBe(401);
});

it('asks for patience when the directory is away, except of who has a password here', async () => {
  await ldap.stop();
  const [known, unknown, wrong, right] = [
    await attempt('dave@example.com', 'password-of-dave'),
    await attempt('nobody-else@example.com', 'x'),
    await attempt('guest@example.com', 'wrong'),
    await attempt('admin@example.com', 'correct-horse-battery-staple'),
  ];
  expect([known.status, unknown.status, wrong.status]).toEqual([503, 503, 503]);
  expect(isLetIn(right)).toBe(true);
});
