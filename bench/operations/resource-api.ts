import { expectStatus, get, pick } from '../load/requests.ts';
import type { Operation } from './operation.ts';

/** The tokens are those of (P), which the guard asks about each of them. */
export const resourceApi: Operation = {
  name: 'resource-api',
  title: 'resource API request with a valid token',
  contenders: ['guarded', 'unguarded'],
  scenario: (_target, population) => {
    let tokens: readonly string[] = [];
    return {
      async prepare() {
        tokens = (await population()).accessTokens;
      },
      async perform(connection) {
        expectStatus(await connection.exchange(get('/whoami', { Authorization: `Bearer ${pick(tokens)}` })), 200);
        return true;
      },
    };
  },
};
