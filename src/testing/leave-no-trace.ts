/** Around every file of tests, since the next one runs in the same process: what the process itself was made to believe ends with it. */
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, vi } from 'vitest';

const trusted = getCACertificates('default');

afterAll(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
  // Reading a hundred authorities takes a moment, and few tests add one.
  if (getCACertificates('default').length !== trusted.length) {
    setDefaultCACertificates(trusted);
  }
});
