import { randomUUID } from 'node:crypto';
import { Secret, TOTP } from 'otpauth';
import type { TestServer } from './authorization-server.ts';
import { actionOf, UserAgent, type Visit } from './user-agent.ts';

export const PASSWORD = 'a-password-that-nobody-guesses';

export interface TestPerson {
  readonly email: string;
  readonly password: string;
}

/** An account of its own, so that no test stands in the way of another. */
export async function createPerson(server: TestServer, roles: readonly string[] = ['user']): Promise<TestPerson> {
  const email = `person-${randomUUID()}@example.com`;
  await server.apply({ accounts: [{ email, name: 'Pat Person', roles, password: PASSWORD }] });
  return { email, password: PASSWORD };
}

/** An authenticator app on somebody's phone. */
export class App {
  /** In base 32. */
  readonly key: string;

  constructor(key: string) {
    this.key = key.replaceAll(' ', '');
  }

  /** What it shows now, or so many steps later. */
  code(steps = 0): string {
    return TOTP.generate({ secret: Secret.fromBase32(this.key), timestamp: Date.now() + steps * 30_000 });
  }
}

export function fieldsOf({ html }: Visit): Record<string, string> {
  const hidden = html.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g);
  return Object.fromEntries([...hidden].map(([, name, value]) => [name, value]));
}

/** Scans the code of the page, types what the app shows, and keeps the recovery codes. */
export async function setUpApp(browser: UserAgent, page: Visit) {
  const key = /data-testid="totp-key">([^<]+)</.exec(page.html)?.[1];
  if (key === undefined) {
    throw new Error(`no app can be set up at ${page.url}: ${page.status} ${page.html}`);
  }
  const app = new App(key);
  const codesPage = await browser.post(actionOf(page, 'set-up'), { ...fieldsOf(page), code: app.code() });
  const recoveryCodes = [...codesPage.html.matchAll(/<li><code>([^<]+)<\/code>/g)].map(([, code]) => code ?? '');
  return { app, recoveryCodes, codesPage };
}

export function typeCode(browser: UserAgent, page: Visit, code: string): Promise<Visit> {
  return browser.post(actionOf(page, 'second-step'), { ...hiddenOf(page), code });
}

export function typeRecoveryCode(browser: UserAgent, page: Visit, recovery_code: string): Promise<Visit> {
  return browser.post(actionOf(page, 'second-step'), { ...hiddenOf(page), recovery_code });
}

function hiddenOf(page: Visit): Record<string, string> {
  const { request = '', progress = '' } = fieldsOf(page);
  return { request, progress };
}

/** The app's codes of before count again: a minute passes without a wait. */
export async function letTimePass(server: TestServer): Promise<void> {
  await server.pool.query('update totp_factors set last_step = last_step - 10');
}

/** Somebody with an app, set up on the way to a client that insists on it. */
export async function createPersonWithApp(server: TestServer, url: string, roles?: readonly string[]) {
  const person = await createPerson(server, roles);
  const browser = new UserAgent(server.issuer);
  const page = await browser.signIn(await browser.get(url), person);
  const { app, recoveryCodes, codesPage } = await setUpApp(browser, page);
  await browser.post(actionOf(codesPage, 'set-up/done'), fieldsOf(codesPage));
  await letTimePass(server);
  return { person, app, recoveryCodes };
}
