/** One PostgreSQL, and the product at it twice: with next to nothing in its tables, and with millions of tokens. */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/database/embedded.ts';
import type { Child } from '../contenders/child.ts';
import { prepareDatabase, startProduct } from '../contenders/product.ts';
import { MACHINES } from '../directory.ts';
import { Connection } from '../load/connection.ts';
import { expectStatus, pick, postForm } from '../load/requests.ts';
import { Meter } from '../measure/meter.ts';
import { fill, type Tokens } from './store.ts';

const SETTINGS = {
  shared_preload_libraries: 'pg_stat_statements',
  shared_buffers: '1GB',
  max_connections: '100',
  max_wal_size: '16GB',
  checkpoint_timeout: '1h',
};

/** So that tokens stay valid until the end, and new ones come after them. */
const FIRST_EXPIRES_IN = 900;
const LAST_EXPIRES_IN = 3500;

export interface Side {
  readonly name: 'empty' | 'full';
  readonly database: string;
  readonly port: number;
  readonly pid: number;
  readonly tokens: Tokens;
  /** To its database. */
  readonly client: pg.Client;
}

export interface ScaleStage {
  readonly directory: string;
  readonly admin: pg.Client;
  readonly meter: Meter;
  readonly empty: Side;
  readonly full: Side;
  stop(): Promise<void>;
}

export async function openStage(rows: number): Promise<ScaleStage> {
  const directory = await mkdtemp(join(tmpdir(), 'concierge-scale-'));
  await chmod(directory, 0o755); // As root PostgreSQL runs as somebody else, who has to pass.
  const postgres = await startEmbeddedPostgres({ directory: join(directory, 'postgres'), settings: SETTINGS });
  const children: Child[] = [];
  const clients: pg.Client[] = [];
  const stop = async () => {
    await Promise.all(children.map((child) => child.stop()));
    await Promise.all(clients.map((client) => client.end()));
    await postgres.stop();
    await Promise.all([directory, postgres.directory].map((path) => rm(path, { recursive: true, force: true })));
  };
  const giveUp = () => void stop().finally(() => process.exit(130));
  process.once('SIGINT', giveUp).once('SIGTERM', giveUp);
  try {
    const admin = await connect(postgres, 'postgres', clients);
    await admin.query('create extension pg_stat_statements');
    const side = (name: Side['name'], count: number) =>
      openSide({ name, count, postgres, directory, children, clients });
    const [empty, full] = [await side('empty', 2_000), await side('full', rows)];
    await admin.query('checkpoint');
    return { directory, admin, meter: new Meter(admin), empty, full, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface SideOptions {
  readonly name: Side['name'];
  readonly count: number;
  readonly postgres: EmbeddedPostgres;
  readonly directory: string;
  readonly children: Child[];
  readonly clients: pg.Client[];
}

async function openSide({ name, count, postgres, directory, children, clients }: SideOptions): Promise<Side> {
  const client = await connect(postgres, name, clients);
  const databaseUrl = postgres.url(name);
  await prepareDatabase(databaseUrl, { light: true });
  // Housekeeping is measured when its turn has come, and not by chance.
  await client.query(`insert into leases values ('housekeeping', gen_random_uuid(), 'infinity')`);
  const product = await startProduct({ databaseUrl, light: true, logFile: join(directory, `${name}.log`) });
  children.push(product);
  const connection = new Connection(product.port);
  expectStatus(
    await connection.exchange(
      postForm('/token', { grant_type: 'client_credentials', scope: 'records:read' }, pick(MACHINES)),
    ),
    200,
  );
  connection.close();
  const now = Math.floor(Date.now() / 1000);
  const tokens = { count, from: now + FIRST_EXPIRES_IN, until: now + LAST_EXPIRES_IN };
  await fill(client, tokens);
  // Rows that nobody has read yet are marked when they are first read, which is logged for each page: a cost of filling in
  // a table all at once. A vacuum does the same.
  await client.query('vacuum (analyze) tokens');
  return { name, database: name, port: product.port, pid: product.pid, tokens, client };
}

async function connect(postgres: EmbeddedPostgres, database: string, clients: pg.Client[]): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: await postgres.ensureDatabase(database) });
  await client.connect();
  clients.push(client);
  return client;
}
