import { ACCOUNTS, JOURNEY_SCOPE, WEB_CLIENTS } from '../directory.ts';
import { Browser, exchangeCode } from '../load/browser.ts';
import type { Population } from '../load/population.ts';
import { pick } from '../load/requests.ts';
import type { Scenario } from '../load/scenario.ts';
import type { Operation } from './operation.ts';

/**
 * Authorize, sign in, consent, exchange: eight requests of a browser that was never here before. "Without the hash" is
 * the same with passwords whose hash takes some microseconds, at every contender.
 */
export const journey: Operation = {
  name: 'journey',
  title: 'whole journey, without the hash',
  contenders: ['P light', 'M', 'B0'],
  connections: 16,
  scenario: (_target, population) => journeys(population, { light: true }),
};

export const journeyWithHash: Operation = {
  name: 'journey-with-hash',
  title: 'whole journey, with the hash',
  contenders: ['P', 'M', 'B0'],
  connections: 12,
  scenario: (_target, population) => journeys(population, { light: false }),
};

function journeys(population: () => Promise<Population>, options: { readonly light: boolean }): Scenario {
  return {
    /** A hundred journeys and more before the first that counts: it runs through more code than anything else. */
    async prepare() {
      await population();
    },
    async perform(connection) {
      const client = pick(WEB_CLIENTS);
      const browser = new Browser(pick(ACCOUNTS), options);
      const code = await browser.authorize(connection, { client, scope: JOURNEY_SCOPE, prompt: 'consent' });
      await exchangeCode(connection, client, code);
      return true;
    },
  };
}
