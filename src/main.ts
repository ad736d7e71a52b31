#!/usr/bin/env node
import { explain } from './cli/explain.ts';

/** The `concierge` command: each subcommand is the file of that name under cli/. */
const SUBCOMMANDS: Readonly<Record<string, string>> = {
  dev: 'everything at once, with demo data: [--config FILE] [--data DIRECTORY]',
  serve: 'the authorization server: [--config FILE] [--migrate] [--development]',
  'resource-api': 'the demo resource API: [--config FILE] [--development]',
  playground: 'the demo client: [--host HOST] [--port PORT] [--issuer URL] [--resource-api URL]',
  migrate: 'bring the database up to date: [--config FILE]',
  apply: 'load clients, resource servers, roles and accounts: -f FILE [--config FILE] [--development]',
};

const [name = 'help', ...argv] = process.argv.slice(2);

if (Object.hasOwn(SUBCOMMANDS, name)) {
  try {
    const { run } = await import(`./cli/${name}.ts`);
    await run(argv);
  } catch (error) {
    console.error(await explain(error));
    process.exit(1);
  }
} else {
  const asked = name === 'help' || name === '--help';
  const lines = Object.entries(SUBCOMMANDS).map(([subcommand, words]) => `  ${subcommand.padEnd(14)}${words}`);
  console[asked ? 'log' : 'error'](`usage: concierge SUBCOMMAND\n\n${lines.join('\n')}`);
  process.exitCode = asked ? 0 : 2;
}
