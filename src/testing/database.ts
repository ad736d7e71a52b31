import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';

export const DATABASES = ['authorization-server', 'resource-server'] as const;
export type TestDatabaseName = (typeof DATABASES)[number];

export interface TestDatabase {
  url: string;
  /** Cuts whoever is still connected. */
  drop(): Promise<void>;
}

/** A database of its own for the caller, empty and fully migrated. Cheap: a copy of a template. */
export async function createTestDatabase(name: TestDatabaseName): Promise<TestDatabase> {
  const database = `${name}-${randomBytes(6).toString('hex')}`;
  await administer(`create database "${database}" template "${templateOf(name)}"`);
  const url = new URL(inject('postgresUrl'));
  url.pathname = database;
  return { url: url.href, drop: () => administer(`drop database if exists "${database}" with (force)`) };
}

export function templateOf(name: TestDatabaseName): string {
  return `template-${name}`;
}

async function administer(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: inject('postgresUrl') });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
