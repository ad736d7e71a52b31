import type { Page } from '@playwright/test';
import { connectTestServer } from '../src/test-kit/client.ts';
import { consentAt, signInAt } from '../src/test-kit/pages.ts';
import { createRelyingParty, DEMO_WEB } from '../src/testing/relying-party.ts';
import { DEMO_PASSWORD } from '../src/testing/user-agent.ts';
import { ISSUER, PLAYGROUND } from './addresses.ts';

/** The server under test, as far as nobody has to look at it. */
const server = connectTestServer(JSON.parse(process.env.CONCIERGE_TEST_SERVER ?? '{}'));

export interface Person {
  readonly email: string;
  readonly name: string;
}

export const ALICE: Person = { email: 'alice@example.com', name: 'Alice Archer' };
export const GUEST: Person = { email: 'guest@example.com', name: 'Gil Guest' };
export const ADMIN: Person = { email: 'admin@example.com', name: 'Ada Admin' };

/** The demo web application, as far as a browser test plays it. */
export const web = createRelyingParty(ISSUER, DEMO_WEB);

export async function signIn(page: Page, { email }: Pick<Person, 'email'> = ALICE, password = DEMO_PASSWORD) {
  await signInAt(page, { email, password });
}

/** For what is not about signing in: without the form. */
export async function startSession(page: Page, { email }: Pick<Person, 'email'> = ALICE) {
  await page.context().addCookies(await server.signedInCookies(email));
}

/** The link in the newest mail to somebody, once it is there. */
export async function mailedLink(to: string, subject?: RegExp): Promise<string> {
  const [link = ''] = (await server.mailbox.last(to, subject === undefined ? {} : { subject })).links;
  return link;
}

export async function approve(page: Page) {
  await consentAt(page);
}

/** Where the client was called back: the playground leaves an answer that it did not ask for in the address bar. */
export async function answerAt(page: Page, path = '/callback'): Promise<URL> {
  await page.waitForURL((url) => url.origin === PLAYGROUND && url.pathname === path);
  return new URL(page.url());
}

/** The parameters of an answer in the fragment. */
export function fragmentOf(url: URL): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(url.hash.slice(1)));
}

export async function signInAndApprove(page: Page, request: string, person: Person = ALICE) {
  await page.goto(request);
  await signIn(page, person);
  await approve(page);
}
