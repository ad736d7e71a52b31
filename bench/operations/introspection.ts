import { randomBytes } from 'node:crypto';
import { API_CLIENT } from '../directory.ts';
import { expectStatus, pick, postForm } from '../load/requests.ts';
import type { ScenarioFactory } from '../load/scenario.ts';
import type { Operation } from './operation.ts';

export const introspection: Operation = {
  name: 'introspection',
  title: 'introspection of a live token',
  contenders: ['P', 'P x2', 'S', 'M', 'B0', 'F'],
  scenario: (_target, population) => {
    let tokens: readonly string[] = [];
    return {
      async prepare() {
        tokens = (await population()).accessTokens;
      },
      ...asking(() => pick(tokens), '{"active":true'),
    };
  },
};

export const introspectionUnknown: Operation = {
  name: 'introspection-unknown',
  title: 'introspection of an unknown token',
  contenders: ['P', 'M', 'B0', 'F'],
  scenario: () => asking(() => randomBytes(32).toString('base64url'), '{"active":false'),
};

function asking(token: () => string, expected: string): ReturnType<ScenarioFactory> {
  const request = () => postForm('/token/introspection', { token: token() }, API_CLIENT);
  return {
    request,
    async perform(connection) {
      const { body } = expectStatus(await connection.exchange(request()), 200);
      if (!body.toString('latin1', 0, expected.length).startsWith(expected)) {
        throw new Error(`${expected} was expected, the answer is ${body}`);
      }
      return true;
    },
  };
}
