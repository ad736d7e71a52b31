import pg from 'pg';
import { OperatorError } from '../cli/explain.ts';
import { administer, urlOf } from './administer.ts';
import { SEARCH_PATH } from './database-clock.ts';
import { markHeld, throwawayName } from './leftovers.ts';
import { ensureTemplate } from './template-database.ts';

export interface ThrowawayDatabase {
  readonly url: string;
  drop(): Promise<void>;
}

/** A migrated database of its own, beside the one that the URL names, which is left alone. */
export async function createThrowawayDatabase(serverUrl: string): Promise<ThrowawayDatabase> {
  const template = await ensureTemplate(serverUrl).catch(explained);
  const name = throwawayName();
  const url = urlOf(serverUrl, name);
  await administer(serverUrl, (server) => server.query(`create database ${name} template ${template}`));
  const drop = () => administer(serverUrl, (server) => server.query(`drop database if exists ${name} with (force)`));
  try {
    const holder = await hold(url, name);
    return {
      url,
      async drop() {
        await holder.end().catch(() => {});
        await drop();
      },
    };
  } catch (error) {
    await drop();
    throw error;
  }
}

/** Shows for as long as the process lives that somebody needs the database. Settings of one do not come along with a copy. */
async function hold(url: string, name: string): Promise<pg.Client> {
  const holder = new pg.Client({ connectionString: url, application_name: 'concierge test-server' });
  holder.on('error', () => {});
  await holder.connect();
  await holder.query(`alter database ${name} set search_path = ${SEARCH_PATH}`);
  await markHeld(holder, name);
  return holder;
}

const INSUFFICIENT_PRIVILEGE = '42501';
const NO_SUCH_DATABASE = '3D000';

function explained(error: pg.DatabaseError): never {
  if (error.code === INSUFFICIENT_PRIVILEGE) {
    throw new OperatorError(
      `A test server makes a database of its own, and PostgreSQL does not let this user: ${error.message}.\n` +
        'Let it, with "alter role NAME createdb"; or leave DATABASE_URL out, for a PostgreSQL that comes along.',
    );
  }
  if (error.code === NO_SUCH_DATABASE) {
    throw new OperatorError(
      `DATABASE_URL names a database that is not there: ${error.message}. It is connected to and left alone, so any will do: postgres, say.`,
    );
  }
  throw error;
}
