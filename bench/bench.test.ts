import { expect, it } from 'vitest';
import { judge } from './goals.ts';
import { printed, resultsFile } from './results.ts';
import { run } from './run.ts';

/** A server on a machine that stood still for a second; it says so, and goes on. */
const STOOD_STILL = 'cannot follow the directory: reading it for every request';

it('measures an operation at the product and at what it is compared with', async () => {
  const report = await run({
    only: ['client-credentials'],
    contenders: ['P', 'M'],
    rounds: 1,
    seconds: 0.2,
    connections: 4,
    report: () => {},
  });
  const [operation] = report.operations;
  expect(operation?.failure).toBeUndefined();
  expect(Object.keys(operation?.samples ?? {})).toEqual(['P', 'M']);
  expect(operation?.samples.P?.[0]?.operations).toBeGreaterThan(0);
  expect(operation?.samples.P?.[0]?.walBytes).toBeGreaterThan(0);
  expect(operation?.statementsAlone.P).toBeGreaterThan(0);
  expect(operation?.statementsAlone.M).toBe(0);
  expect(Object.keys(report.complaints).filter((message) => message !== STOOD_STILL)).toEqual([]);
  const measured = judge(report).filter(({ reached }) => reached !== undefined);
  expect(measured.map(({ name }) => name)).toEqual(['client credentials: CPU, whole product (P / M)']);
  expect(printed(report)).toContain('client credentials, opaque');
  expect(resultsFile(report)).toContain('| client credentials: CPU, whole product (P / M) |');
}, 60_000);
