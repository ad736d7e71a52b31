import type pg from 'pg';
import { OperatorError } from '../cli/explain.ts';
import { administer, connect, urlOf } from './administer.ts';
import { setSearchPath } from './database-clock.ts';
import { markHeld, throwawayName } from './leftovers.ts';
import { ensureTemplate } from './template-database.ts';

export interface ThrowawayDatabase {
  readonly url: string;
  drop(): Promise<void>;
}

/**
 * For a migrated database of its own, beside the one that the URL names, which is left alone. Once this resolves `create` is on its
 * way to PostgreSQL as soon as it is called, whatever this process is busy with then.
 */
export async function prepareDatabase(serverUrl: string): Promise<{ create(): Promise<ThrowawayDatabase> }> {
  const server = await connect(serverUrl).catch((error) => Promise.reject(explained(error)));
  try {
    const template = await ensureTemplate(server, serverUrl);
    return { create: () => create(server, serverUrl, template) };
  } catch (error) {
    await server.end();
    throw explained(error as pg.DatabaseError);
  }
}

async function create(server: pg.Client, serverUrl: string, template: string): Promise<ThrowawayDatabase> {
  const name = throwawayName();
  const url = urlOf(serverUrl, name);
  const drop = () => administer(serverUrl, (other) => other.query(`drop database if exists ${name} with (force)`));
  try {
    await server.query(`create database ${name} template ${template}`);
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
  } finally {
    await server.end();
  }
}

/** Shows for as long as the process lives that somebody needs the database. */
async function hold(url: string, name: string): Promise<pg.Client> {
  const holder = await connect(url);
  await setSearchPath(holder, name);
  await markHeld(holder, name);
  return holder;
}

const INSUFFICIENT_PRIVILEGE = '42501';
const NO_SUCH_DATABASE = '3D000';

function explained(error: pg.DatabaseError): Error {
  if (error.code === INSUFFICIENT_PRIVILEGE) {
    return new OperatorError(
      `A test server makes a database of its own, and PostgreSQL does not let this user: ${error.message}.\n` +
        'Let it, with "alter role NAME createdb"; or leave DATABASE_URL out, for a PostgreSQL that comes along.',
    );
  }
  if (error.code === NO_SUCH_DATABASE) {
    return new OperatorError(
      `DATABASE_URL names a database that is not there: ${error.message}. It is connected to and left alone, so any will do: postgres, say.`,
    );
  }
  return error;
}
