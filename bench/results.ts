/** How a report is read: on the terminal, and as bench/RESULTS.md. */
import { judge } from './goals.ts';
import type { Report } from './report.ts';
import {
  asMarkdown,
  asText,
  goalTable,
  latencyTable,
  memoryTable,
  number,
  operationTable,
  type Table,
} from './table.ts';

export function printed(report: Report): string {
  return [describeRun(report), ...tablesOf(report).map(asText), ...notesOf(report)].join('\n\n');
}

export function resultsFile(report: Report): string {
  return `${[
    '# Results of the benchmark',
    `Written by \`npm run bench -- --write-results\`. ${describeRun(report)}`,
    METHOD,
    '## Goals',
    asMarkdown(goalTable(judge(report))),
    '## Operations',
    ...report.operations.map(operationTable).map(asMarkdown),
    '## Latency',
    asMarkdown(latencyTable(report)),
    asMarkdown(memoryTable(report)),
    ...notesOf(report),
  ].join('\n\n')}\n`;
}

const METHOD = `Rates of one run are not to be compared with those of another: ratios within a run are, and so are CPU time, statements and
bytes of write-ahead log for each operation. All rates and costs are medians over the rounds, ratios medians of the ratios of each
round, in which the contenders take turns. Who they are:

- **P** the product, \`concierge serve\` in production mode with its log in a file; **P x2** the same with two workers; **P light** with password hashes that
  cost next to nothing;
- **M** stock oidc-provider on a \`Map\`; **B0** on knex, one statement for each call; **S** on the product's store; all three do what
  the product does, with the same clients, tokens, claims, algorithms and hashes, and keep clients and accounts in memory;
- **F** a bare \`node:http\` handler on the product's store: the floor;
- **guarded** the resource API, whose guard asks P about each token that it does not know, **unguarded** the same route for everybody, about
  as many people, **proxy** a bare \`node:http\` handler that does nothing but ask P;
- **hash** nothing but the verification of a password.

M, B0 and S issue tokens for a resource server (RFC 8707), because the product does. Nothing checkpoints during a run, so no page is
logged whole. *SQL alone* is counted with one request at a time, when there is nobody to share a statement with.

CPU time of the server is that of its process (of guarded and proxy, that of P too), CPU time of the database that of all of PostgreSQL. A journey is eight requests of a
browser without cookies: authorization, sign-in page, sign-in, its way back, consent page, consent, its way back, exchange.`;

function tablesOf(report: Report): readonly Table[] {
  return [
    ...report.operations.map(operationTable),
    ...[latencyTable(report), memoryTable(report)].filter(({ length }) => length > 1),
    goalTable(judge(report)),
  ];
}

function describeRun({ date, machine, effort }: Report): string {
  const { processor, cores, memoryGiB, system, node, postgres, sharedBuffers, synchronousCommit, fdatasyncUs } =
    machine;
  const { rounds, seconds, connections } = effort;
  return [
    `${date}: ${processor}, ${cores} cores, ${memoryGiB} GiB, ${system}, Node ${node}, PostgreSQL ${postgres}`,
    `(shared_buffers ${sharedBuffers}, fsync/synchronous_commit ${synchronousCommit}, fdatasync of 8 KiB ${fdatasyncUs} µs);`,
    `everything on this one machine, load included; ${rounds} rounds of ${seconds} s, ${connections} connections.`,
  ].join(' ');
}

function notesOf({ process, complaints }: Report): string[] {
  const lines = Object.entries(complaints).map(([message, count]) => `${count} x "${message}"`);
  const notes = [`Warnings and errors in the logs of P, P x2 and P light: ${lines.join(', ') || 'none'}.`];
  if (process) {
    const { startMs, cachedStartMs, idleMB, loadedMB } = process;
    notes.push(
      `\`serve\` listens ${number(startMs, 0)} ms after its start, with the compile cache ${number(cachedStartMs, 0)} ms; ` +
        `it has ${number(idleMB, 0)} MB then, and had ${number(loadedMB, 0)} MB at most in this run.`,
    );
  }
  return notes;
}
