import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadDatabaseConfig } from '../config/load.ts';
import { migrate } from '../database/migrate.ts';

/** Of the authorization server. */
export const MIGRATIONS = join(import.meta.dirname, '../../migrations/authorization-server');

/** `concierge migrate [--config FILE]`: brings the authorization server's database up to date. */
export async function run(argv: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...argv], options: { config: { type: 'string' } } });
  const { database } = loadDatabaseConfig({ env: process.env, file: values.config, mode: 'production' });
  const applied = await migrate({ url: database.url, directory: MIGRATIONS });
  console.log(applied.length === 0 ? 'nothing to migrate' : applied.map((name) => `migrated ${name}`).join('\n'));
}
