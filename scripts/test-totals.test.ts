import { describe, expect, it } from 'vitest';
// @ts-expect-error Plain JavaScript: it runs before anything is installed.
import { format, sum, totalsOf } from './test-totals.mjs';

const vitest = (changes: object) =>
  JSON.stringify({
    success: true,
    numPassedTests: 3,
    numFailedTests: 0,
    numPendingTests: 0,
    numTodoTests: 0,
    testResults: [],
    ...changes,
  });
const playwright = (stats: object, errors: object[] = []) =>
  JSON.stringify({ stats: { expected: 2, unexpected: 0, flaky: 0, skipped: 0, ...stats }, errors });
const lineOf = (...reports: string[]) => format(sum(reports.map(totalsOf)));

describe('the totals of a test run', () => {
  it('add up over both runners', () => {
    const report = vitest({ success: false, numFailedTests: 2 });
    expect(lineOf(report, playwright({ unexpected: 1 }))).toBe('5 passed, 3 failed');
    expect(lineOf(vitest({}), playwright({}))).toBe('5 passed, 0 failed');
  });

  it('name skipped tests when there are any', () => {
    expect(lineOf(vitest({ numPendingTests: 1, numTodoTests: 1 }), playwright({ skipped: 1 }))).toBe(
      '5 passed, 0 failed, 3 skipped',
    );
  });

  it('count a runner that left no report, or half of one, as failed', () => {
    expect(lineOf('', '{"stats":')).toBe('0 passed, 2 failed');
  });

  it('count a file that could not be loaded, and an error outside of the tests', () => {
    const unloadable = { status: 'failed', assertionResults: [] };
    expect(lineOf(vitest({ success: false, testResults: [unloadable, unloadable] }))).toBe('3 passed, 2 failed');
    expect(lineOf(vitest({ success: false }))).toBe('3 passed, 1 failed');
    expect(lineOf(playwright({}, [{ message: 'broken configuration' }]))).toBe('2 passed, 1 failed');
  });
});
