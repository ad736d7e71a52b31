/**
 * `npm run conformance:serve -- [--issuer URL] [--host HOST] [--port PORT] [--suite URL] [--alias NAME] [--data DIRECTORY]`
 *
 * docs/conformance.md tells how to point the OpenID conformance suite at it.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { explain } from '../src/cli/explain.ts';
import { stopOnSignal } from '../src/cli/stop-on-signal.ts';
import { startEmbeddedPostgres } from '../src/database/embedded.ts';
import { startConformanceServer } from './server.ts';

try {
  await run(process.argv.slice(2));
} catch (error) {
  console.error(await explain(error));
  process.exit(1);
}

async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      issuer: { type: 'string' },
      host: { type: 'string', default: '127.0.0.1' },
      port: { type: 'string', default: '3443' },
      suite: { type: 'string' },
      alias: { type: 'string', default: 'concierge' },
      data: { type: 'string', default: join(import.meta.dirname, '../data/conformance') },
    },
  });
  const { issuer = `https://localhost:${values.port}`, host, port, suite, alias, data } = values;
  const postgres = process.env.DATABASE_URL
    ? undefined
    : await startEmbeddedPostgres({ directory: join(data, 'postgres') });
  try {
    const databaseUrl = process.env.DATABASE_URL ?? (await postgres?.ensureDatabase('conformance')) ?? '';
    const listen = { host, port: Number(port) };
    const server = await startConformanceServer({ issuer, listen, suite, alias, data, databaseUrl });
    stopOnSignal(async () => {
      await server.stop();
      await postgres?.stop();
    });
    const { email, password } = server.person;
    console.log(
      `${issuer} is ready for the conformance suite. Ctrl-C stops it.\n\nSign in as ${email} with ${password}\n\n` +
        `Paste this into the suite's "Create a new test plan":\n${JSON.stringify(server.configuration, null, 2)}`,
    );
  } catch (error) {
    await postgres?.stop();
    throw error;
  }
}
