import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { OperatorError } from '../cli/explain.ts';
import { administer, urlOf } from './administer.ts';
import { SEARCH_PATH } from './database-clock.ts';
import { ensureTemplate } from './template-database.ts';

export interface ThrowawayDatabase {
  readonly url: string;
  drop(): Promise<void>;
}

const PREFIX = 'concierge_test_';

/** Says that somebody was connected: from then on it is a leftover when nobody is. */
const MARK = 'of a concierge test-server';

/** Seconds: nobody takes so long from creating a database to being connected with it. */
const LONGEST_BIRTH = 600;

const INSUFFICIENT_PRIVILEGE = '42501';

/** A migrated database of its own, beside the one that the URL names, which is left alone. */
export async function createThrowawayDatabase(serverUrl: string): Promise<ThrowawayDatabase> {
  const template = await ensureTemplate(serverUrl).catch(explained);
  const name = `${PREFIX}${Math.floor(Date.now() / 1000).toString(36)}_${randomBytes(6).toString('hex')}`;
  const url = urlOf(serverUrl, name);
  const statement = `create database ${name} template ${template}`;
  await administer(serverUrl, (server) => server.query(statement)).catch(explained);
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

/**
 * The connection shows, for as long as the process lives and however it ends, that somebody needs the database. Settings of
 * a database do not come along with a copy.
 */
async function hold(url: string, name: string): Promise<pg.Client> {
  const holder = new pg.Client({ connectionString: url, application_name: 'concierge test-server' });
  holder.on('error', () => {});
  await holder.connect();
  await holder.query(`alter database ${name} set search_path = ${SEARCH_PATH}`);
  await holder.query(`comment on database ${name} is '${MARK}'`);
  return holder;
}

const LEFTOVERS = `
  select datname as name from pg_database
  where starts_with(datname, $1) and pg_get_userbyid(datdba) = current_user
    and not exists (select from pg_stat_activity a where a.datid = pg_database.oid)
    and (shobj_description(oid, 'pg_database') = $2 or substring(datname, $4) < $3)`;

/** Drops what test servers have left behind that did not come to their end. Says how many there were. */
export async function dropLeftovers(serverUrl: string): Promise<number> {
  return administer(serverUrl, async (server) => {
    const born = Math.floor(Date.now() / 1000 - LONGEST_BIRTH).toString(36);
    const pattern = `^${PREFIX}([0-9a-z]+)_`;
    const { rows } = await server.query<{ name: string }>(LEFTOVERS, [PREFIX, MARK, born, pattern]);
    let dropped = 0;
    for (const { name } of rows) {
      // Without force: somebody may have connected, or dropped it, in between.
      dropped += await server.query(`drop database ${server.escapeIdentifier(name)}`).then(
        () => 1,
        () => 0,
      );
    }
    return dropped;
  });
}

function explained(error: pg.DatabaseError): never {
  if (error.code === INSUFFICIENT_PRIVILEGE) {
    throw new OperatorError(
      `A test server makes a database of its own, and PostgreSQL does not let this user: ${error.message}.\n` +
        'Let it, with "alter role NAME createdb"; or leave DATABASE_URL out, for a PostgreSQL that comes along.',
    );
  }
  throw error;
}
