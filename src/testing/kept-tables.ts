import type { Pool } from 'pg';

/** Keeps what is in these tables. What is returned puts it back, past all triggers, and tells the server of a new directory. */
export async function keepTables(pool: Pool, tables: readonly string[]): Promise<() => Promise<void>> {
  await pool.query(tables.map((table) => `create table kept_${table} as select * from ${table};`).join(''));
  const restored = tables.map((table) => `delete from ${table}; insert into ${table} select * from kept_${table};`);
  return async () => {
    await pool.query(`begin; set local session_replication_role = replica; ${restored.join('')} commit`);
    await pool.query('update roles set description = description');
  };
}
