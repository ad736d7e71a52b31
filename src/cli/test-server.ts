import { finished } from 'node:stream';
import { parseArgs } from 'node:util';
import type { Announcement } from '../test-kit/protocol.ts';
import { readPort } from './read-port.ts';
import { stopOnSignal } from './stop-on-signal.ts';

/**
 * `concierge test-server`: a throwaway authorization server for somebody's tests, with an API to drive it by. Everything of it
 * is gone when it ends.
 */
export async function run(argv: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      'database-url': { type: 'string' },
      'issuer-port': { type: 'string', default: '0' },
      directory: { type: 'string' },
      config: { type: 'string' },
      json: { type: 'boolean', default: false },
      'until-stdin-ends': { type: 'boolean', default: false },
    },
  });
  const { startTestInstance } = await import('../test-kit/start-instance.ts');
  const starting = startTestInstance({
    databaseUrl: values['database-url'],
    issuerPort: readPort(values['issuer-port']),
    directory: values.directory,
    config: values.config,
  });
  const stop = () => starting.then((server) => server.stop());
  stopOnSignal(stop);
  if (values['until-stdin-ends']) {
    // A pipe closes at its end; a file, or /dev/null, does not.
    finished(process.stdin.resume(), () => process.kill(process.pid, 'SIGTERM'));
  }
  const { announcement } = await starting;
  const milliseconds = Math.round(performance.now());
  console.log(values.json ? JSON.stringify(announcement) : welcome(announcement, milliseconds));
}

function welcome({ issuer, controlUrl, secret, databaseUrl }: Announcement, milliseconds: number): string {
  return `
Concierge test server, ready after ${milliseconds} ms. Ctrl-C drops everything it has.

  issuer    ${issuer}
  mailbox   ${issuer}/mailbox
  control   ${controlUrl}
  secret    ${secret}
  database  ${databaseUrl}

Nothing here is fit for production: passwords are hashed lightly, mail is kept, and the secret opens everything.

An access token of alice@example.com, where the demo directory is used
  curl ${controlUrl}/tokens -H 'authorization: Bearer ${secret}' -H 'content-type: application/json' \\
    -d '{"client":"demo-web","account":"alice@example.com"}'`;
}
