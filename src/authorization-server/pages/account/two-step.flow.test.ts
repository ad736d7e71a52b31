import { afterAll, beforeAll, expect, it } from 'vitest';
import { openConsole, visitorOf } from '../../../testing/account-console.ts';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import { createRelyingParty, DEMO_WEB } from '../../../testing/relying-party.ts';
import {
  App,
  createPerson,
  createPersonWithApp,
  fieldsOf,
  letTimePass,
  type TestPerson,
  typeCode,
  typeRecoveryCode,
} from '../../../testing/second-factors.ts';
import { UserAgent, type Visit } from '../../../testing/user-agent.ts';

let server: TestServer;
let request: string;
beforeAll(async () => {
  server = await startTestServer({
    config: (config) => ({ ...config, secondFactor: { policy: 'optional', requiredForRoles: ['admin'] } }),
  });
  request = createRelyingParty(server.issuer, DEMO_WEB).authorizationUrl({ scope: 'openid' });
});
afterAll(() => server.stop());

const appAt = ({ html }: Visit) => new App(/data-testid="totp-key">([^<]+)</.exec(html)?.[1] ?? '');
const codesAt = ({ html }: Visit) => [...html.matchAll(/<li><code>([^<]+)<\/code>/g)].map(([, code]) => code ?? '');

async function turnOn(browser: UserAgent) {
  const page = await browser.get('/account/two-step/app');
  const app = appAt(page);
  const answer = await browser.post('/account/two-step/app', { ...fieldsOf(page), code: app.code() });
  return { app, answer, codes: codesAt(answer) };
}

async function signInAfresh(person: TestPerson): Promise<{ browser: UserAgent; page: Visit }> {
  const browser = new UserAgent(server.issuer);
  return { browser, page: await browser.signIn(await browser.get(request), person) };
}

async function auditKinds({ email }: TestPerson) {
  const { rows } = await server.pool.query(
    'select kind from audit_events join accounts using (account_id) where email = $1 order by at, id',
    [email],
  );
  return rows.map(({ kind }) => kind as string);
}

/** Somebody with an app at the console. */
async function visitorWithApp(roles?: readonly string[]) {
  const { person, app } = await createPersonWithApp(server, request, roles ?? ['admin']);
  const browser = new UserAgent(server.issuer);
  await typeCode(browser, await openConsole(browser, '', person), app.code());
  await letTimePass(server);
  return { person, app, browser };
}

it('an app that is turned on is asked for at the next sign-in, and recovery codes come with it', async () => {
  const person = await createPerson(server);
  const visitor = await visitorOf(server, person);
  expect((await visitor.get('/account/security')).html).toContain('data-testid="card-two-step"');
  const { app, codes } = await turnOn(visitor);
  expect(codes).toHaveLength(10);
  expect(await auditKinds(person)).toEqual(expect.arrayContaining(['second_factor_added', 'recovery_codes_made']));
  await letTimePass(server);
  const { browser, page } = await signInAfresh(person);
  expect((await typeCode(browser, page, app.code())).html).toContain('data-testid="consent-form"');
});

it('a wrong first code turns nothing on', async () => {
  const person = await createPerson(server);
  const visitor = await visitorOf(server, person);
  const page = await visitor.get('/account/two-step/app');
  const answer = await visitor.post('/account/two-step/app', { ...fieldsOf(page), code: '000000' });
  expect(answer.status).toBe(400);
  expect(fieldsOf(answer).seed).toBe(fieldsOf(page).seed);
  expect((await visitor.get('/account/two-step')).html).toContain('Not set up');
});

it('a key that was proposed to somebody else turns nothing on', async () => {
  const [one, other] = [
    await visitorOf(server, await createPerson(server)),
    await visitorOf(server, await createPerson(server)),
  ];
  const page = await one.get('/account/two-step/app');
  const answer = await other.post('/account/two-step/app', { ...fieldsOf(page), code: appAt(page).code() });
  expect(answer.status).toBe(400);
});

it('another app takes the place of the one before, and the recovery codes stay', async () => {
  const { person, app, browser } = await visitorWithApp();
  const { app: newApp, answer } = await turnOn(browser);
  expect(answer.url).toContain('said=second-factors.said.added');
  await letTimePass(server);
  const { browser: fresh, page } = await signInAfresh(person);
  expect((await typeCode(fresh, page, app.code())).status).toBe(401);
  expect((await typeCode(fresh, page, newApp.code())).html).toContain('data-testid="consent-form"');
});

it('new recovery codes put an end to the old ones', async () => {
  const { person, recoveryCodes, app } = await createPersonWithApp(server, request, ['admin']);
  const browser = new UserAgent(server.issuer);
  await typeCode(browser, await openConsole(browser, '', person), app.code());
  const codes = codesAt(await browser.post('/account/two-step/recovery-codes', {}));
  expect(codes).toHaveLength(10);
  const { browser: fresh, page } = await signInAfresh(person);
  expect((await typeRecoveryCode(fresh, page, recoveryCodes[0] ?? '')).status).toBe(401);
  expect((await typeRecoveryCode(fresh, page, codes[0] ?? '')).html).toContain('data-testid="consent-form"');
});

it('two requests for new recovery codes at once leave ten', async () => {
  const { person, browser } = await visitorWithApp();
  await Promise.all([1, 2, 3].map(() => browser.post('/account/two-step/recovery-codes', {})));
  const { rows } = await server.pool.query(
    'select count(*)::integer as codes from recovery_codes join accounts using (account_id) where email = $1',
    [person.email],
  );
  expect(rows[0].codes).toBe(10);
});

it('the app can be removed, and then the password is enough', async () => {
  const person = await createPerson(server);
  const visitor = await visitorOf(server, person);
  await turnOn(visitor);
  const removed = await visitor.post('/account/two-step/app/remove', {});
  expect(removed.url).toContain('said=second-factors.said.removed');
  expect(await auditKinds(person)).toContain('second_factor_removed');
  expect((await signInAfresh(person)).page.html).toContain('data-testid="consent-form"');
});

it('whoever must have a second factor keeps it', async () => {
  const { person, browser } = await visitorWithApp(['admin']);
  expect((await browser.get('/account/two-step')).html).toContain('data-testid="app-needed"');
  const refused = await browser.post('/account/two-step/app/remove', {});
  expect(refused.url).toContain('said=second-factors.said.needed');
  expect(await auditKinds(person)).not.toContain('second_factor_removed');
});

it('nobody changes anything with a sign-in of an hour ago', async () => {
  const person = await createPerson(server);
  const visitor = await visitorOf(server, person);
  const page = await visitor.get('/account/two-step/app');
  const fields = { ...fieldsOf(page), code: appAt(page).code() };
  const hourAgo = visitor.clone();
  hourAgo.node = await startLateNode();
  for (const [path, sent] of [
    ['/account/two-step/app', fields],
    ['/account/two-step/app/remove', {}],
    ['/account/two-step/recovery-codes', {}],
  ] as const) {
    const answer = await hourAgo.send(path, { method: 'POST', body: new URLSearchParams(sent) });
    expect(answer.headers.get('location'), path).toContain('/auth?');
  }
  expect(await auditKinds(person)).not.toContain('second_factor_added');
});

/** A node at which every sign-in is too long ago. */
function startLateNode(): Promise<string> {
  return server.addNode({
    config: (config) => ({ ...config, lifetimes: { ...config.lifetimes, recentSignIn: 0 } }),
  });
}
