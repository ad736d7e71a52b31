import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { administer } from './administer.ts';

/**
 * Which databases belong to whom. A name tells when the database was made, and its comment that somebody was connected: from
 * then on it is a leftover as soon as nobody is, however the process ended that had it.
 */
const THROWAWAY = 'concierge_test_';
const TEMPLATE = 'concierge_template_';
const MARK = 'of a concierge test-server';
const COPIED = 'copied by concierge test-server on ';

/** Seconds: nobody takes so long from creating a database to being connected with it. */
const LONGEST_BIRTH = 600;

/** Days that nobody has copied it. */
const LONGEST_IDLE = 30;

export function throwawayName(): string {
  return `${THROWAWAY}${timeIn(Date.now())}_${randomBytes(6).toString('hex')}`;
}

export function templateName(hash: string): string {
  return TEMPLATE + hash.slice(0, 16);
}

/** Both need no more than to own the database. */
export async function markHeld(connection: pg.Client, name: string): Promise<void> {
  await connection.query(`comment on database ${name} is '${MARK}'`);
}

export async function markCopied(connection: pg.Client, name: string): Promise<void> {
  await connection.query(`comment on database ${name} is '${COPIED}${today()}'`);
}

/** By the whole of a name: a project may call databases of its own `concierge_test_01`. */
const LEFTOVERS = `
  with mine as (
    select oid, datname as name, shobj_description(oid, 'pg_database') as comment,
      substring(datname, '^${THROWAWAY}([0-9a-z]{7})_[0-9a-f]{12}$') as born, datname ~ '^${TEMPLATE}[0-9a-f]{16}$' as copied
    from pg_database where pg_get_userbyid(datdba) = current_user)
  select name from mine
  where not exists (select from pg_stat_activity a where a.datid = mine.oid)
    and (born is not null and comment = '${MARK}' or born < $1
      or copied and substring(comment, '${COPIED}(\\d{4}-\\d\\d-\\d\\d)$')::date < current_date - ${LONGEST_IDLE})`;

/** Drops what test servers have left behind that did not come to their end, and templates that nobody copies any more. */
export async function dropLeftovers(serverUrl: string): Promise<void> {
  await administer(serverUrl, async (server) => {
    const born = timeIn(Date.now() - LONGEST_BIRTH * 1000);
    const { rows } = await server.query<{ name: string }>(LEFTOVERS, [born]);
    for (const { name } of rows) {
      // Without force: somebody may have connected, or dropped it, in between.
      await server.query(`drop database ${server.escapeIdentifier(name)}`).catch(() => {});
    }
  });
}

/** As long as seconds have seven digits to this base, which is until 2041, the later one is the greater text. */
function timeIn(milliseconds: number): string {
  return Math.floor(milliseconds / 1000)
    .toString(36)
    .padStart(7, '0');
}

function today(): string {
  return new Date().toISOString().slice(0, 10);
}
