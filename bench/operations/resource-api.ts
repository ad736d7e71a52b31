import { inParallel } from '../load/population.ts';
import { expectStatus, get, pick } from '../load/requests.ts';
import { issueTokens, type MachineToken } from '../load/supply.ts';
import type { Operation } from './operation.ts';

const whoami = (token: string) => get('/whoami', { Authorization: `Bearer ${token}` });

/** Two thousand tokens of (P), over and over: before each round the guard is shown every one of them. */
export const resourceApi: Operation = {
  name: 'guard-warm',
  title: 'resource API, tokens that the guard knows',
  contenders: ['guarded', 'unguarded'],
  scenario: ({ port }, population) => {
    let tokens: readonly string[] = [];
    return {
      async prepare() {
        tokens = (await population()).accessTokens;
        await inParallel(port, tokens, async (connection, token) => {
          expectStatus(await connection.exchange(whoami(token)), 200);
        });
      },
      async perform(connection) {
        expectStatus(await connection.exchange(whoami(pick(tokens))), 200);
        return true;
      },
    };
  },
};

/** Each request with another token of (P), which has to be asked about it. */
export const resourceApiCold: Operation = {
  name: 'guard-cold',
  title: 'resource API, each time a token that the guard never saw',
  contenders: ['guarded', 'proxy'],
  scenario: ({ populatedAt }) => {
    let tokens: MachineToken[] = [];
    return {
      async prepare(round) {
        tokens = await issueTokens(populatedAt, round, 4000);
      },
      async perform(connection) {
        const next = tokens.pop();
        if (next === undefined) {
          return false;
        }
        expectStatus(await connection.exchange(whoami(next.token)), 200);
        return true;
      },
    };
  },
};
