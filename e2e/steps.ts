import type { Page } from '@playwright/test';
import { createRelyingParty, DEMO_WEB } from '../src/testing/relying-party.ts';
import { DEMO_PASSWORD } from '../src/testing/user-agent.ts';
import { ISSUER, PLAYGROUND } from './addresses.ts';

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
  await page.getByTestId('email').fill(email);
  await page.getByTestId('password').fill(password);
  await page.getByTestId('sign-in-submit').click();
}

export async function approve(page: Page) {
  await page.getByTestId('consent-approve').click();
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
