/** Everything a run needs, on the loopback interface: a PostgreSQL, the contenders, and the process that makes the load. */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { freePort } from '../src/database/embedded/free-port.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../src/database/embedded.ts';
import { type Child, startChild } from './contenders/child.ts';
import { prepareDatabase, startProduct } from './contenders/product.ts';
import { startResourceApi } from './contenders/resource-api.ts';
import { LoadProcess } from './load/load-process.ts';
import type { Target } from './load/scenario.ts';
import { Meter } from './measure/meter.ts';
import type { ContenderName } from './operations/operation.ts';

export interface Contender {
  readonly name: ContenderName;
  readonly target: Target;
  /** None of `hash`, which is no server. */
  readonly pid: number | undefined;
  readonly asks?: readonly number[];
  readonly database: string | undefined;
  readonly logFile: string | undefined;
}

/** Durable as in production. No checkpoint falls into a run by itself: the first write to a page after one costs 8 KiB of log. */
const SETTINGS = {
  shared_preload_libraries: 'pg_stat_statements',
  shared_buffers: '256MB',
  max_connections: '200',
  max_wal_size: '8GB',
  checkpoint_timeout: '1h',
};

export class Stage {
  readonly directory: string;
  readonly admin: pg.Client;
  readonly meter: Meter;
  readonly load = new LoadProcess();
  readonly #postgres: EmbeddedPostgres;
  readonly #contenders = new Map<ContenderName, Promise<Contender>>();
  readonly #children: Child[] = [];

  private constructor(directory: string, postgres: EmbeddedPostgres, admin: pg.Client) {
    this.directory = directory;
    this.admin = admin;
    this.meter = new Meter(admin);
    this.#postgres = postgres;
  }

  static async open(): Promise<Stage> {
    const directory = await mkdtemp(join(tmpdir(), 'concierge-bench-'));
    await chmod(directory, 0o755); // As root PostgreSQL runs as somebody else, who has to pass.
    const postgres = await startEmbeddedPostgres({ directory: join(directory, 'postgres'), settings: SETTINGS });
    const admin = new pg.Client({ connectionString: postgres.url('postgres') });
    await admin.connect();
    await admin.query('create extension if not exists pg_stat_statements');
    return new Stage(directory, postgres, admin);
  }

  /** Starts it when it is first asked for. */
  contender(name: ContenderName): Promise<Contender> {
    const contender = this.#contenders.get(name) ?? this.#start(name);
    this.#contenders.set(name, contender);
    return contender;
  }

  /** A database of its own, empty. */
  database(name: string): Promise<string> {
    return this.#postgres.ensureDatabase(name);
  }

  logFile(name: string): string {
    return join(this.directory, `${name.replace(' ', '-')}.log`);
  }

  async stop(): Promise<void> {
    await this.load.stop();
    await Promise.all(this.#children.map((child) => child.stop()));
    await this.admin.end();
    await this.#postgres.stop();
    await Promise.all(
      [this.directory, this.#postgres.directory].map((path) => rm(path, { recursive: true, force: true })),
    );
  }

  async #start(name: ContenderName): Promise<Contender> {
    switch (name) {
      case 'P':
      case 'P x2':
      case 'P light':
        return this.#startProduct(name);
      case 'S':
        return this.#startStock(name, 'store', await this.#migrated('store'));
      case 'M':
        return this.#startStock(name, 'map');
      case 'B0':
        return this.#startStock(name, 'knex', 'knex');
      case 'F':
        return this.#startBare();
      case 'guarded':
        return this.#startGuarded();
      case 'unguarded':
        return this.#startScript(name, 'unguarded-server.ts', {}, { populatedAt: await this.#portOf('P') });
      case 'proxy':
        return this.#startProxy();
      case 'agreeable':
        return this.#startScript(name, 'agreeable-issuer.ts', {}, {});
      case 'hash':
        return {
          name,
          target: { name, port: 0, populatedAt: 0 },
          pid: undefined,
          database: undefined,
          logFile: undefined,
        };
    }
  }

  async #startProduct(name: ContenderName): Promise<Contender> {
    const light = name === 'P light';
    const database = name.replace('P', 'product').replace(' ', '-');
    const databaseUrl = await this.database(database);
    await prepareDatabase(databaseUrl, { light });
    const env = { CONCIERGE_WORKERS: name === 'P x2' ? '2' : '1' };
    return this.#enter(name, await startProduct({ databaseUrl, light, env, logFile: this.logFile(name) }), {
      database,
    });
  }

  async #startStock(name: ContenderName, adapter: string, database?: string): Promise<Contender> {
    const url = database === undefined ? {} : { DATABASE_URL: await this.database(database) };
    return this.#startScript(name, 'stock-server.ts', { BENCH_ADAPTER: adapter, ...url }, { database });
  }

  /** At the database of (P), whose tokens it introspects. */
  async #startBare(): Promise<Contender> {
    const populatedAt = await this.#portOf('P');
    const database = 'product';
    const env = { DATABASE_URL: await this.database(database), BENCH_MIRROR_PORT: String(populatedAt) };
    return this.#startScript('F', 'bare-server.ts', env, { database, populatedAt });
  }

  /** What the guard asks the product is part of what a request costs. */
  async #startGuarded(): Promise<Contender> {
    const { target, pid, database } = await this.contender('P');
    const logFile = this.logFile('guarded');
    const databaseUrl = await this.database('resource-api');
    const api = await startResourceApi({ databaseUrl, issuerPort: target.port, logFile });
    const contender = this.#enter('guarded', api, { database, populatedAt: target.port });
    return { ...contender, asks: pid === undefined ? [] : [pid] };
  }

  async #startProxy(): Promise<Contender> {
    const { target, pid, database } = await this.contender('P');
    const env = { BENCH_ISSUER_PORT: String(target.port) };
    const about = { database, populatedAt: target.port };
    const contender = await this.#startScript('proxy', 'introspection-proxy.ts', env, about);
    return { ...contender, asks: pid === undefined ? [] : [pid] };
  }

  async #startScript(
    name: ContenderName,
    script: string,
    env: Readonly<Record<string, string>>,
    about: { readonly database?: string | undefined; readonly populatedAt?: number },
  ): Promise<Contender> {
    const port = await freePort();
    const argv = [join(import.meta.dirname, 'contenders', script)];
    const settings = { ...env, BENCH_PORT: String(port) };
    return this.#enter(name, await startChild({ argv, env: settings, port, logFile: this.logFile(name) }), about);
  }

  #enter(
    name: ContenderName,
    child: Child,
    { database, populatedAt = child.port }: { readonly database?: string | undefined; readonly populatedAt?: number },
  ): Contender {
    this.#children.push(child);
    const { pid, port, logFile } = child;
    return { name, target: { name, port, populatedAt }, pid, database, logFile };
  }

  async #portOf(name: ContenderName): Promise<number> {
    return (await this.contender(name)).target.port;
  }

  async #migrated(database: string): Promise<string> {
    await prepareDatabase(await this.database(database), { light: true });
    return database;
  }
}
