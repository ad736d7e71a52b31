/** What the package exports as `concierge/playwright`. */
import { test as base } from '@playwright/test';
import { connectTestServer, type TestServerClient } from './client.ts';
import { type ConsentChoices, type Credentials, consentAt, signInAt } from './pages.ts';
import type { CreatedAccount } from './protocol.ts';
import { startTestServer, type TestServerOptions } from './start.ts';

export { type ConsentChoices, type Credentials, consentAt, elementOf, signInAt } from './pages.ts';
export type { TestId } from './selectors.ts';

export interface ConciergeFixtures {
  /** A person of this test's own, with a password. */
  readonly account: CreatedAccount;
  /** Fills in the sign-in form that the page is at, or is on the way to. */
  readonly signIn: (who: Credentials) => Promise<void>;
  /** The browser is signed in, without a form, as if it had been done before. */
  readonly startSession: (who: Pick<Credentials, 'email'>) => Promise<void>;
  /** Answers the consent page that the page is at, or is on the way to. */
  readonly consent: (choices?: ConsentChoices) => Promise<void>;
  /** Real tokens, without a flow. */
  readonly issueToken: TestServerClient['issueToken'];
  /** Moves the server's time forward; it is set back after the test. */
  readonly advanceClock: TestServerClient['clock']['advance'];
  /** The newest mail to this address; waits for it. */
  readonly lastMail: TestServerClient['mailbox']['last'];
}

export interface ConciergeWorkerFixtures {
  /** For the server that is started; none is where CONCIERGE_TEST_SERVER says what a running one has announced. */
  readonly conciergeOptions: TestServerOptions;
  readonly concierge: TestServerClient;
}

export const test = base.extend<ConciergeFixtures, ConciergeWorkerFixtures>({
  conciergeOptions: [{}, { scope: 'worker', option: true }],
  concierge: [
    async ({ conciergeOptions }, use) => {
      const announced = process.env.CONCIERGE_TEST_SERVER;
      if (announced !== undefined) {
        await use(connectTestServer(JSON.parse(announced)));
        return;
      }
      await using server = await startTestServer(conciergeOptions);
      await use(server);
    },
    { scope: 'worker', timeout: 60_000 },
  ],
  account: async ({ concierge }, use) => use(await concierge.accounts.create()),
  signIn: async ({ concierge, page }, use) => {
    await use(async (who) => signInAt(page, who, who.totp && (await concierge.clock.now())));
  },
  startSession: async ({ concierge, context }, use) => {
    await use(async ({ email }) => context.addCookies(await concierge.signedInCookies(email)));
  },
  consent: ({ page }, use) => use((choices) => consentAt(page, choices)),
  issueToken: ({ concierge }, use) => use(concierge.issueToken),
  advanceClock: async ({ concierge }, use) => {
    await use(concierge.clock.advance);
    await concierge.clock.reset();
  },
  lastMail: ({ concierge }, use) => use(concierge.mailbox.last),
});

export { expect } from '@playwright/test';
