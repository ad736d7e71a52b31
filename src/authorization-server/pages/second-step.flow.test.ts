import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import { createRelyingParty, DEMO_PASSWORD_CLIENT, DEMO_WEB, type RelyingParty } from '../../testing/relying-party.ts';
import {
  createPerson,
  createPersonWithApp,
  fieldsOf,
  setUpApp,
  type TestPerson,
  typeCode,
  typeRecoveryCode,
} from '../../testing/second-factors.ts';
import { actionOf, UserAgent, type Visit } from '../../testing/user-agent.ts';

const LOCKOUT = { attempts: 3, seconds: 900 };

let server: TestServer;
let web: RelyingParty;
beforeAll(async () => {
  server = await startTestServer({
    config: (config) => ({
      ...config,
      lockout: LOCKOUT,
      secondFactor: { policy: 'optional', requiredForRoles: ['admin'] },
    }),
  });
  web = createRelyingParty(server.issuer, DEMO_WEB);
});
afterAll(() => server.stop());

const request = (parameters = {}) => web.authorizationUrl({ scope: 'openid', ...parameters });
const withApp = () => createPersonWithApp(server, request(), ['admin']);

/** Email and password, and what is shown then. */
async function signIn(person: TestPerson, browser = new UserAgent(server.issuer), url = request()): Promise<Visit> {
  return browser.signIn(await browser.get(url), person);
}

const isSecondStep = ({ html }: Visit) => html.includes('data-testid="second-step-form"');
const isConsent = ({ html }: Visit) => html.includes('data-testid="consent-form"');
const accountIdOf = async ({ email }: TestPerson) =>
  (await server.pool.query('select account_id from accounts where email = $1', [email])).rows[0].account_id as string;

async function auditOf(person: TestPerson) {
  const { rows } = await server.pool.query(
    'select kind, details from audit_events where account_id = $1 order by at, id',
    [await accountIdOf(person)],
  );
  return rows as { kind: string; details: Record<string, unknown> }[];
}

describe('somebody with an authenticator app', () => {
  it('is asked for its code after the password, and signed in with two factors', async () => {
    const { person, app } = await withApp();
    const browser = new UserAgent(server.issuer);
    const step = await signIn(person, browser);
    expect(isSecondStep(step)).toBe(true);
    expect(isConsent(await typeCode(browser, step, app.code()))).toBe(true);
    expect((await auditOf(person)).at(-1)).toEqual({
      kind: 'sign_in',
      details: { method: 'password+totp', acr: 'mfa' },
    });
  });

  it('types the code however the app shows it', async () => {
    const { person, app } = await withApp();
    const browser = new UserAgent(server.issuer);
    const [first, second] = [app.code().slice(0, 3), app.code().slice(3)];
    expect(isConsent(await typeCode(browser, await signIn(person, browser), ` ${first} ${second} `))).toBe(true);
  });

  it.each([
    ['the one before', -1],
    ['the next one', 1],
  ])('is let in with %s: clocks differ', async (_which, steps) => {
    const { person, app } = await withApp();
    const browser = new UserAgent(server.issuer);
    expect(isConsent(await typeCode(browser, await signIn(person, browser), app.code(steps)))).toBe(true);
  });

  it.each([-2, 2])('is not let in with a code that is %s steps off', async (steps) => {
    const { person, app } = await withApp();
    const browser = new UserAgent(server.issuer);
    const answer = await typeCode(browser, await signIn(person, browser), app.code(steps));
    expect(answer.status).toBe(401);
    expect(isSecondStep(answer)).toBe(true);
  });

  it('cannot use a code twice, nor one from before', async () => {
    const { person, app } = await withApp();
    const browser = new UserAgent(server.issuer);
    await typeCode(browser, await signIn(person, browser), app.code());
    const thief = new UserAgent(server.issuer);
    for (const steps of [0, -1]) {
      expect((await typeCode(thief, await signIn(person, thief), app.code(steps))).status).toBe(401);
    }
  });

  it('counts a code once when it arrives several times at once, on several nodes', async () => {
    const { person, app } = await withApp();
    const node = await server.addNode();
    const steps = await Promise.all(
      [server.issuer, node, server.issuer, node].map(async (at) => {
        const browser = new UserAgent(server.issuer);
        browser.node = at;
        return { browser, page: await signIn(person, browser) };
      }),
    );
    await server.pool.query('update accounts set failed_second_steps = -10 where email = $1', [person.email]);
    const answers = await Promise.all(steps.map(({ browser, page }) => typeCode(browser, page, app.code())));
    expect(answers.filter(isConsent)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(3);
  });

  it('finishes on another node than the one that asked', async () => {
    const { person, app } = await withApp();
    const browser = new UserAgent(server.issuer);
    const step = await signIn(person, browser);
    browser.node = await server.addNode();
    expect(isConsent(await typeCode(browser, step, app.code()))).toBe(true);
  });

  it('waits after too many wrong codes, whatever is typed then, and the right password does not end that', async () => {
    const { person, app } = await withApp();
    const browser = new UserAgent(server.issuer);
    for (let attempt = 0; attempt < LOCKOUT.attempts; attempt += 1) {
      await typeCode(browser, await signIn(person, browser), '000000');
    }
    const [wrong, right] = [
      await typeCode(browser, await signIn(person, browser), '000000'),
      await typeCode(browser, await signIn(person, browser), app.code()),
    ];
    const words = ({ html }: Visit) => /data-testid="second-step-problem">([^<]+)</.exec(html)?.[1];
    expect(words(right)).toBe(words(wrong));
    expect([wrong.status, right.status]).toEqual([401, 401]);
    expect((await auditOf(person)).at(-1)).toEqual({ kind: 'sign_in_throttled', details: { method: 'totp' } });
    await server.pool.query("update accounts set second_steps_throttled_until = now() - interval '1 second'");
    expect(isConsent(await typeCode(browser, await signIn(person, browser), app.code()))).toBe(true);
  });

  it('waits twice as long each time', async () => {
    const { person } = await withApp();
    const waits: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      for (let attempt = 0; attempt < LOCKOUT.attempts; attempt += 1) {
        const browser = new UserAgent(server.issuer);
        await typeCode(browser, await signIn(person, browser), '000000');
      }
      const { rows } = await server.pool.query(
        `update accounts set second_steps_throttled_until = now() where email = $1
         returning (select extract(epoch from second_steps_throttled_until - now()) from accounts where email = $1) as wait`,
        [person.email],
      );
      waits.push(Math.round(Number(rows[0].wait) / 100) * 100);
    }
    expect(waits).toEqual([900, 1800, 3600]);
  });

  it('is not outrun by guesses that arrive at once', async () => {
    const { person } = await withApp();
    const browser = new UserAgent(server.issuer);
    const step = await signIn(person, browser);
    const guesses = Array.from({ length: 20 }, (_, n) => String(n).padStart(6, '0'));
    await Promise.all(guesses.map((guess) => typeCode(browser, step, guess)));
    const kinds = (await auditOf(person)).map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'sign_in_failed')).toHaveLength(LOCKOUT.attempts);
    expect(kinds.filter((kind) => kind === 'sign_in_throttled')).toHaveLength(20 - LOCKOUT.attempts);
  });

  it('cannot use the password grant, and is told no more than with a wrong password', async () => {
    const { person } = await withApp();
    const party = createRelyingParty(server.issuer, DEMO_PASSWORD_CLIENT);
    const ask = (password: string) => party.requestToken({ grant_type: 'password', username: person.email, password });
    const [right, wrong] = [await ask(person.password), await ask('wrong')];
    expect(right.status).toBe(400);
    expect(right.body).toEqual(wrong.body);
    expect(right.body.error).toBe('invalid_grant');
  });

  it('cannot bring what was proven elsewhere, or before the password was changed', async () => {
    const { person, app } = await withApp();
    const [one, other] = [new UserAgent(server.issuer), new UserAgent(server.issuer)];
    const { progress = '' } = fieldsOf(await signIn(person, one));
    const otherPage = await signIn(person, other);
    const elsewhere = await other.post(actionOf(otherPage, 'second-step'), {
      ...fieldsOf(otherPage),
      progress,
      code: app.code(),
    });
    expect(elsewhere.html).toContain('data-testid="sign-in-form"');
    const ours = await signIn(person, one);
    await server.apply({
      accounts: [{ email: person.email, name: 'Pat Person', roles: ['admin'], password: 'another-secret-of-mine' }],
    });
    expect((await typeCode(one, ours, app.code())).html).toContain('data-testid="sign-in-form"');
  });

  it('gets back to the sign-in when the address of the page is opened again', async () => {
    const { person } = await withApp();
    const browser = new UserAgent(server.issuer);
    const step = await signIn(person, browser);
    const wrong = await typeCode(browser, step, '000000');
    for (const { url } of [step, wrong]) {
      const again = await browser.get(url);
      expect([again.status, again.html.includes('data-testid="sign-in-form"')]).toEqual([200, true]);
    }
  });

  it('is refused when the account was disabled in between', async () => {
    const { person, app } = await withApp();
    const browser = new UserAgent(server.issuer);
    const step = await signIn(person, browser);
    await server.pool.query('update accounts set disabled_at = now() where email = $1', [person.email]);
    expect((await typeCode(browser, step, app.code())).html).toContain('data-testid="sign-in-form"');
  });

  it.each(['', 'nonsense', '12345', '1234567', "' or 1=1", 'é'.repeat(200)])('is asked again for %j', async (code) => {
    const { person } = await withApp();
    const browser = new UserAgent(server.issuer);
    const answer = await typeCode(browser, await signIn(person, browser), code);
    expect([400, 401]).toContain(answer.status);
    expect(isSecondStep(answer)).toBe(true);
  });
});

describe('a recovery code', () => {
  it('stands in for the app, once, and its owner is told', async () => {
    const { person, recoveryCodes } = await withApp();
    expect(new Set(recoveryCodes).size).toBe(10);
    const [code = ''] = recoveryCodes;
    const browser = new UserAgent(server.issuer);
    const typed = code.toUpperCase().replaceAll('-', ' ');
    expect(isConsent(await typeRecoveryCode(browser, await signIn(person, browser), typed))).toBe(true);
    expect(await auditOf(person)).toContainEqual({ kind: 'recovery_code_used', details: { left: 9 } });
    const other = new UserAgent(server.issuer);
    const again = await typeRecoveryCode(other, await signIn(person, other), code);
    expect(again.status).toBe(401);
    expect(again.html).toContain('data-testid="recovery-code"');
  });

  it('counts once when it arrives several times at once', async () => {
    const { person, recoveryCodes } = await withApp();
    await server.pool.query('update accounts set failed_second_steps = -10 where email = $1', [person.email]);
    const answers = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const browser = new UserAgent(server.issuer);
        return typeRecoveryCode(browser, await signIn(person, browser), recoveryCodes[0] ?? '');
      }),
    );
    expect(answers.filter(isConsent)).toHaveLength(1);
  });

  it('is not in the database in clear, and neither is the seed of the app', async () => {
    const { person, app, recoveryCodes } = await withApp();
    const { rows } = await server.pool.query(
      `select row_to_json(f)::text || (select string_agg(code_hash, ' ') from recovery_codes c
         where c.account_id = f.account_id) as kept from totp_factors f where account_id = $1`,
      [await accountIdOf(person)],
    );
    expect(rows[0].kept).not.toContain(app.key);
    for (const code of recoveryCodes) {
      expect(rows[0].kept).not.toContain(code);
      expect(rows[0].kept).not.toContain(code.replaceAll('-', ''));
    }
  });
});

describe('somebody who must have a second factor and has none', () => {
  it('sets one up on the way, keeps the recovery codes, and goes on to the client', async () => {
    const person = await createPerson(server, ['admin']);
    const browser = new UserAgent(server.issuer);
    const page = await signIn(person, browser);
    expect(page.html).toContain('data-testid="totp-qr"');
    const { codesPage, recoveryCodes } = await setUpApp(browser, page);
    expect(recoveryCodes).toHaveLength(10);
    const done = await browser.post(actionOf(codesPage, 'set-up/done'), fieldsOf(codesPage));
    expect(isConsent(done)).toBe(true);
    const kinds = (await auditOf(person)).map(({ kind }) => kind);
    expect(kinds.slice(-3)).toEqual(['second_factor_added', 'recovery_codes_made', 'sign_in']);
  });

  it('sees the same picture again after a wrong code', async () => {
    const person = await createPerson(server, ['admin']);
    const browser = new UserAgent(server.issuer);
    const page = await signIn(person, browser);
    const again = await browser.post(actionOf(page, 'set-up'), { ...fieldsOf(page), code: '000000' });
    expect(again.status).toBe(400);
    const keyOf = ({ html }: Visit) => /data-testid="totp-key">([^<]+)</.exec(html)?.[1];
    expect(keyOf(again)).toBe(keyOf(page));
    expect((await setUpApp(browser, again)).recoveryCodes).toHaveLength(10);
  });

  it('cannot set up another one instead of proving the one that is there', async () => {
    const person = await createPerson(server, ['admin']);
    const [owner, thief] = [new UserAgent(server.issuer), new UserAgent(server.issuer)];
    const [page, thiefs] = [await signIn(person, owner), await signIn(person, thief)];
    await setUpApp(owner, page);
    const { codesPage } = await setUpApp(thief, thiefs);
    expect(isSecondStep(codesPage)).toBe(true);
    const finished = await thief.post(actionOf(thiefs, 'set-up').replace('/set-up', '/set-up/done'), fieldsOf(thiefs));
    expect(isSecondStep(finished)).toBe(true);
  });

  it('is asked at the next request when the policy comes after the sign-in', async () => {
    const person = await createPerson(server, ['user']);
    const browser = new UserAgent(server.issuer);
    await browser.authorize(request(), person);
    expect((await browser.get(request({ prompt: 'none' }))).url).toContain('code=');
    await server.apply({ accounts: [{ email: person.email, name: 'Pat Person', roles: ['admin'] }] });
    expect((await browser.get(request({ prompt: 'none' }))).url).toContain('error=login_required');
    const page = await browser.get(request());
    expect(page.html).toContain('data-testid="totp-qr"');
    const { codesPage } = await setUpApp(browser, page);
    const done = await browser.post(actionOf(codesPage, 'set-up/done'), fieldsOf(codesPage));
    expect(done.url).toContain('code=');
  });
});

it('is asked for where no client asks for the sign-in, too', async () => {
  const { person, app } = await withApp();
  const browser = new UserAgent(server.issuer);
  const page = await browser.get('/requests');
  const { request: secret = '' } = fieldsOf(page);
  const step = await browser.post('/requests/sign-in', { ...person, request: secret });
  expect(isSecondStep(step)).toBe(true);
  expect((await browser.get('/requests')).html).toContain('data-testid="sign-in-form"');
  const done = await typeCode(browser, step, app.code());
  expect(new URL(done.url).pathname).toBe('/requests');
  expect(done.html).not.toContain('data-testid="sign-in-form"');
  expect((await auditOf(person)).at(-1)?.details).toEqual({ method: 'password+totp', acr: 'mfa' });
});

it('is asked for there in a session from before it was required', async () => {
  const person = await createPerson(server, ['user']);
  const browser = new UserAgent(server.issuer);
  await browser.authorize(request(), person);
  expect((await browser.get('/requests')).html).toContain(person.email);
  await server.apply({ accounts: [{ email: person.email, name: 'Pat Person', roles: ['admin'] }] });
  const page = await browser.get('/requests');
  expect(page.html).toContain('data-testid="sign-in-form"');
  const step = await browser.post('/requests/sign-in', { ...person, ...fieldsOf(page) });
  const { codesPage } = await setUpApp(browser, step);
  const done = await browser.post(actionOf(codesPage, 'set-up/done'), fieldsOf(codesPage));
  expect(done.html).toContain(person.email);
  expect(done.html).not.toContain('data-testid="sign-in-form"');
});

it('says in the ID token how somebody has signed in', async () => {
  const { person, app } = await withApp();
  const browser = new UserAgent(server.issuer);
  const before = Math.floor(Date.now() / 1000);
  await typeCode(browser, await signIn(person, browser), app.code());
  const { id_token } = await web.obtainTokens({ scope: 'openid' }, person, browser);
  const { acr, amr, auth_time } = decodeJwt(id_token);
  expect({ acr, amr }).toEqual({ acr: 'mfa', amr: ['pwd', 'otp', 'mfa'] });
  expect(auth_time).toBeGreaterThanOrEqual(before);
});
