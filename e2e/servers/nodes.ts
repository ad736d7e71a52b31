import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Database, startDatabase } from './database.ts';
import { LastWill } from './last-will.ts';
import { type ConciergeProcess, type Environment, runConcierge, startConcierge, untilHealthy } from './process.ts';
import { steadyPort } from './steady-port.ts';

export interface Node {
  readonly address: string;
  readonly process: ConciergeProcess;
}

/** Authorization servers that share one issuer and one database of their own: what happens here harms no other test. */
export interface Nodes {
  /** The first node's address; clients know no other. */
  readonly issuer: string;
  readonly database: Database;
  /** Adds to the demo directory. */
  apply(directory: object): Promise<void>;
  /** Starts one more, or again one that has ended, at its address; `argv` goes to `concierge serve`. */
  start(address?: string, argv?: readonly string[]): Promise<Node>;
  /** Starts one more resource API, which knows the issuer. */
  startResourceApi(): Promise<Node>;
  /** What they all have logged as warnings and errors. */
  complaints(): string[];
  stop(): Promise<void>;
}

export async function prepareNodes(): Promise<Nodes> {
  const lastWill = new LastWill();
  const database = await startDatabase(lastWill, process.env.E2E_TEMPLATE);
  const issuer = `http://localhost:${await steadyPort()}`;
  const env = {
    ...database.urls,
    CONCIERGE_SECRET: randomBytes(32).toString('base64url'),
    CONCIERGE_ISSUER: issuer,
  };
  const logOf = (name: string) => join(database.directory, `${name}.log`);
  const running: ConciergeProcess[] = [];
  const launch = async (argv: readonly string[], port: number, settings: Environment): Promise<Node> => {
    const log = logOf(`${argv[0]}-${port}-${running.length}`);
    const node = startConcierge({ argv, env: { ...env, ...settings }, lastWill, log });
    running.push(node);
    const address = `http://localhost:${port}`;
    await untilHealthy(node, `${address}/healthz`, 'listening');
    return { address, process: node };
  };
  return {
    issuer,
    database,
    async apply(directory) {
      const file = join(database.directory, 'more.json');
      writeFileSync(file, JSON.stringify(directory)); // JSON is YAML.
      await runConcierge({ argv: ['apply', '--development', '-f', file], env, lastWill, log: logOf('apply') });
    },
    async start(address, argv = []) {
      const port = address === undefined ? await steadyPort() : Number(new URL(address).port);
      return launch(['serve', '--development', ...argv], port, { CONCIERGE_LISTEN_PORT: String(port) });
    },
    async startResourceApi() {
      const port = await steadyPort();
      return launch(['resource-api', '--development'], port, {
        CONCIERGE_RESOURCE_API_LISTEN_PORT: String(port),
        CONCIERGE_RESOURCE_API_CLIENT_SECRET: 'demo-api-secret',
      });
    },
    complaints() {
      const lines = running.flatMap((node) => node.output().split('\n'));
      return lines.filter((line) => /"level":[4-9]/.test(line));
    },
    async stop() {
      await Promise.all(running.filter((node) => node.running).map((node) => node.stop()));
      await database.stop();
      lastWill.fulfilled();
    },
  };
}
