// Sums the JSON reports of Vitest and Playwright into one line. Plain JavaScript, because it also has to say how many
// failed when the install did, and whatever Node.js the machine has is all there is.
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

/** A report that is missing or broken means that the runner never got to its end: that is a failure. */
const NO_REPORT = { passed: 0, failed: 1, skipped: 0 };

export function totalsOf(text) {
  try {
    const report = JSON.parse(text);
    return report.stats ? playwrightTotals(report) : vitestTotals(report);
  } catch {
    return NO_REPORT;
  }
}

function vitestTotals(report) {
  // A file that cannot be loaded has no tests to fail.
  const unloadable = report.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  );
  const failed = report.numFailedTests + unloadable.length;
  return {
    passed: report.numPassedTests,
    // An error outside of any test fails the run as well.
    failed: report.success ? failed : Math.max(failed, 1),
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

function playwrightTotals({ stats, errors }) {
  return { passed: stats.expected + stats.flaky, failed: stats.unexpected + errors.length, skipped: stats.skipped };
}

export function sum(all) {
  const total = (kind) => all.reduce((count, totals) => count + totals[kind], 0);
  return { passed: total('passed'), failed: total('failed'), skipped: total('skipped') };
}

export function format({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const totals = sum(process.argv.slice(2).map((file) => totalsOf(read(file))));
  console.log(format(totals));
  process.exitCode = totals.failed > 0 ? 1 : 0;
}
