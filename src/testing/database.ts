import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';

export const DATABASES = ['authorization-server', 'resource-server'] as const;
/** `demonstration` is that of an authorization server which has run with the demo directory. */
export type TestDatabaseName = (typeof DATABASES)[number] | 'demonstration';

export interface TestDatabase {
  url: string;
  /** Cuts whoever is still connected. */
  drop(): Promise<void>;
}

/** A database of its own for the caller, fully migrated. Cheap: a copy of a template. */
export async function createTestDatabase(name: TestDatabaseName): Promise<TestDatabase> {
  const server = inject('postgresUrl');
  const database = `${name}-${randomBytes(6).toString('hex')}`;
  await copyTemplate(server, name, database);
  const url = new URL(server);
  url.pathname = database;
  return { url: url.href, drop: () => administer(server, `drop database if exists "${database}" with (force)`) };
}

/** Copying files writes no WAL, and takes a third of the time. */
export function copyTemplate(server: string, name: TestDatabaseName, copy: string): Promise<void> {
  return administer(server, `create database "${copy}" template "${templateOf(name)}" strategy file_copy`);
}

export function templateOf(name: TestDatabaseName): string {
  return `template-${name}`;
}

async function administer(server: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
