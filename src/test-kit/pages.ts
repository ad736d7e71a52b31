import type { Locator, Page } from '@playwright/test';
import { Secret, TOTP } from 'otpauth';
import type { AccessDuration } from '../authorization-server/resources/access-duration.ts';
import type { TestId } from './selectors.ts';

/** What a person knows to sign in with; an account that the test server has made is one of these. */
export interface Credentials {
  readonly email: string;
  readonly password?: string | null;
  /** Of an authenticator app, in base 32. */
  readonly totp?: { readonly secret: string };
}

/** What a person does on the consent page; as it is proposed, unless told. */
export interface ConsentChoices {
  /** Refuses altogether. */
  readonly deny?: boolean;
  /** Scopes to leave out. */
  readonly without?: readonly string[];
  /** How long it holds. */
  readonly duration?: AccessDuration;
}

/** An element of our pages, whatever attribute the project's own tests go by. */
export function elementOf(page: Page, testId: TestId): Locator {
  return page.locator(`[data-testid="${testId}"]`);
}

/**
 * Fills in the sign-in form that the page shows or is about to show, and the code of an authenticator app where the account
 * has one. `now` is the time of the server, for the code.
 */
export async function signInAt(page: Page, { email, password, totp }: Credentials, now = new Date()): Promise<void> {
  await elementOf(page, 'email').fill(email);
  await elementOf(page, 'password').fill(password ?? '');
  await elementOf(page, 'sign-in-submit').click();
  if (totp !== undefined) {
    const code = new TOTP({ secret: Secret.fromBase32(totp.secret) }).generate({ timestamp: now.getTime() });
    await elementOf(page, 'code').fill(code);
    await elementOf(page, 'second-step-submit').click();
  }
}

/** Answers the consent page that the page shows or is about to show. */
export async function consentAt(page: Page, { deny, without = [], duration }: ConsentChoices = {}): Promise<void> {
  if (deny) {
    await elementOf(page, 'consent-deny').click();
    return;
  }
  for (const scope of without) {
    await elementOf(page, 'consent-scope')
      .and(page.locator(`[data-scope="${scope}"]`))
      .locator('input')
      .uncheck();
  }
  if (duration !== undefined) {
    await elementOf(page, 'consent-duration').locator(`input[value="${duration}"]`).check();
  }
  await elementOf(page, 'consent-approve').click();
}
