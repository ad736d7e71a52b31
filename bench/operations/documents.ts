/** What anybody may read: discovery, the keys, and the sign-in page of a request that is under way. */
import { ACCOUNTS, CODE_SCOPE, WEB_CLIENTS } from '../directory.ts';
import { Browser } from '../load/browser.ts';
import { inParallel } from '../load/population.ts';
import { expectStatus, get, pick } from '../load/requests.ts';
import type { Scenario } from '../load/scenario.ts';
import type { Operation } from './operation.ts';

export const discovery: Operation = {
  name: 'discovery',
  title: 'discovery',
  contenders: ['P', 'B0', 'F'],
  scenario: () => reading(() => get('/.well-known/openid-configuration')),
};

export const jwks: Operation = {
  name: 'jwks',
  title: 'JWKS',
  contenders: ['P', 'B0', 'F'],
  scenario: () => reading(() => get('/jwks')),
};

export const signInPage: Operation = {
  name: 'sign-in-page',
  title: 'sign-in page',
  contenders: ['P', 'B0', 'F'],
  scenario: (target) => {
    const requests: string[] = [];
    return {
      ...reading(() => pick(requests)),
      async prepare() {
        if (requests.length > 0) {
          return;
        }
        await inParallel(target.populatedAt, ACCOUNTS, async (connection, email) => {
          const request = { client: pick(WEB_CLIENTS), scope: CODE_SCOPE };
          requests.push(await new Browser(email).openSignIn(connection, request));
        });
      },
    };
  },
};

function reading(request: () => string): Scenario {
  return {
    request,
    async perform(connection) {
      expectStatus(await connection.exchange(request()), 200);
      return true;
    },
  };
}
