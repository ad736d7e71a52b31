/** What is done with tokens of people: refreshing, exchanging a code, revoking, userinfo. */
import { type BenchClient, CODE_SCOPE } from '../directory.ts';
import { exchangeRequest } from '../load/browser.ts';
import { inParallel, type Person, type RefreshChain, refresh } from '../load/population.ts';
import { expectStatus, get, pick, postForm } from '../load/requests.ts';
import { issueTokens, type MachineToken, repeated, supplyFor } from '../load/supply.ts';
import type { Operation } from './operation.ts';

/** Each connection goes on with a chain of its own. */
export const refreshing: Operation = {
  name: 'refresh',
  title: 'refresh with rotation',
  contenders: ['P', 'S', 'M', 'B0'],
  scenario: (_target, population) => {
    let chains: readonly RefreshChain[] = [];
    return {
      async prepare() {
        ({ chains } = await population());
      },
      async perform(connection, slot) {
        await refresh(connection, chains[slot] as RefreshChain);
        return true;
      },
    };
  },
};

/** The codes were made before, by people who are signed in and have consented. */
export const codeExchange: Operation = {
  name: 'code-exchange',
  title: 'code exchange',
  contenders: ['P', 'M', 'B0'],
  scenario: (target, population) => {
    let codes: { readonly client: BenchClient; readonly code: string }[] = [];
    return {
      async prepare(round) {
        codes = [];
        const people = repeated((await population()).people, supplyFor(round, 500));
        await inParallel(target.port, people, async (connection, { browser, client }: Person) => {
          codes.push({ client, code: await browser.authorize(connection, { client, scope: CODE_SCOPE }) });
        });
      },
      async perform(connection) {
        const next = codes.pop();
        if (next === undefined) {
          return false;
        }
        expectStatus(await connection.exchange(exchangeRequest(next.client, next.code)), 200);
        return true;
      },
    };
  },
};

export const revocation: Operation = {
  name: 'revocation',
  title: 'revocation',
  contenders: ['P', 'M', 'B0'],
  scenario: (target) => {
    let tokens: MachineToken[] = [];
    return {
      async prepare(round) {
        tokens = await issueTokens(target.port, round, 1500);
      },
      async perform(connection) {
        const next = tokens.pop();
        if (next === undefined) {
          return false;
        }
        const form = { token: next.token, token_type_hint: 'access_token' };
        expectStatus(await connection.exchange(postForm('/token/revocation', form, next.client)), 200);
        return true;
      },
    };
  },
};

export const userinfo: Operation = {
  name: 'userinfo',
  title: 'userinfo',
  contenders: ['P', 'M', 'B0'],
  scenario: (_target, population) => {
    let tokens: readonly string[] = [];
    return {
      async prepare() {
        tokens = (await population()).accessTokens;
      },
      async perform(connection) {
        expectStatus(await connection.exchange(get('/me', { Authorization: `Bearer ${pick(tokens)}` })), 200);
        return true;
      },
    };
  },
};
