#!/usr/bin/env node
import nodeModule from 'node:module';
import { join } from 'node:path';

// In a checkout scripts/run has seen to it; where the package is installed, npm only warns.
if (Number.parseInt(process.versions.node, 10) < 24) {
  console.error(`Concierge needs Node.js 24 or newer, and this is ${process.version}.`);
  process.exit(1);
}

// Keeps what V8 makes of the sources (scripts/run tells why), beside them: nobody can write it who could not as well write
// those, and where that is not allowed there is no cache. Hence nothing of ours is imported before.
nodeModule.enableCompileCache(join(import.meta.dirname, '../node_modules/.cache/compiled'));

/** The `concierge` command: each subcommand is the file of that name under cli/. */
const SUBCOMMANDS: Readonly<Record<string, string>> = {
  dev: 'everything at once, with demo data: [--config FILE] [--data DIRECTORY]',
  serve: 'the authorization server: [--config FILE] [--migrate] [--workers N] [--development]',
  'resource-api': 'the demo resource API: [--config FILE] [--development]',
  playground:
    'every grant, step by step: [--host HOST] [--port PORT] [--issuer URL] [--resource-api URL] [--client ROLE=ID[:VARIABLE]]... [--config FILE]',
  samples: 'the sample clients, at the ports 3003 and 3004: [--issuer URL] [--resource-api URL]',
  'test-server':
    'a throwaway server for tests, driven by an API: [--database-url URL] [--issuer-port N] [--directory FILE] [--config FILE] [--json]',
  migrate: 'bring the database up to date: [--config FILE]',
  storage: 'how much is kept, and how it grows: [--config FILE] [--json]',
  'initial-access-token':
    'a token to register clients with: [--lifetime SECONDS] [--scope SCOPES] [--grant-types TYPES] [--list] [--revoke ID] [--config FILE]',
  invite: 'an account for somebody: EMAIL [--role ROLE]... [--resend] [--list] [--revoke EMAIL] [--config FILE]',
  apply: 'load clients, resource servers, roles and accounts: -f FILE [--config FILE] [--development]',
};

const [name = 'help', ...argv] = process.argv.slice(2);

if (!Object.hasOwn(SUBCOMMANDS, name)) {
  const asked = name === 'help' || name === '--help';
  const lines = Object.entries(SUBCOMMANDS).map(([subcommand, words]) => `  ${subcommand.padEnd(22)}${words}`);
  console[asked ? 'log' : 'error'](`usage: concierge SUBCOMMAND\n\n${lines.join('\n')}`);
  process.exitCode = asked ? 0 : 2;
} else if (argv.includes('--help')) {
  console.log(`concierge ${name}: ${SUBCOMMANDS[name]}`);
} else {
  try {
    const { run } = await import(`./cli/${name}.ts`);
    await run(argv);
  } catch (error) {
    const { explain } = await import('./cli/explain.ts');
    console.error(await explain(error));
    process.exit(1);
  }
}
