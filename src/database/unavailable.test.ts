import { expect, it } from 'vitest';
import { isDatabaseUnavailable } from './unavailable.ts';

const withCode = (code: string) => Object.assign(new Error('x'), { code });

it.each([
  ['08006', 'the connection was lost'],
  ['25006', 'a standby, which cannot be written to'],
  ['28P01', 'turned away at the door'],
  ['3D000', 'the database is being replaced'],
  ['40P01', 'a deadlock'],
  ['53300', 'too many connections'],
  ['55000', 'closed for maintenance'],
  ['57014', 'a statement that took too long'],
  ['57P01', 'shutting down'],
  ['58030', 'a disk that fails'],
  ['ECONNREFUSED', 'nobody listens'],
  ['ENOTFOUND', 'no such host'],
])('takes %s for a moment without a database: %s', (code) => {
  expect(isDatabaseUnavailable(withCode(code))).toBe(true);
});

it.each(['timeout exceeded when trying to connect', 'Connection terminated unexpectedly', 'Query read timeout'])(
  'knows what pg says without a code: %s',
  (message) => {
    expect(isDatabaseUnavailable(new Error(message))).toBe(true);
  },
);

it.each(['22021', '23505', '42601', '42P01', 'ERR_INVALID_ARG_TYPE'])('takes %s for a mistake of ours', (code) => {
  expect(isDatabaseUnavailable(withCode(code))).toBe(false);
});

it('takes anything else for a mistake of ours', () => {
  for (const error of [new TypeError('x is not a function'), 'ECONNREFUSED', undefined, { code: '57P01' }]) {
    expect(isDatabaseUnavailable(error)).toBe(false);
  }
});
