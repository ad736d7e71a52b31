#!/usr/bin/env node
/** The `concierge` command: each subcommand is the file of that name under cli/. */
const SUBCOMMANDS = ['dev', 'serve', 'resource-api', 'playground', 'migrate', 'apply'] as const;

const [name = '', ...argv] = process.argv.slice(2);

if (SUBCOMMANDS.some((subcommand) => subcommand === name)) {
  const { run } = await import(`./cli/${name}.ts`);
  await run(argv);
} else {
  const wanted = name === '' || name === 'help' || name === '--help';
  console[wanted ? 'log' : 'error'](`usage: concierge ${SUBCOMMANDS.join(' | ')}`);
  process.exitCode = wanted ? 0 : 2;
}
