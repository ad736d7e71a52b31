import pg from 'pg';
import { inject } from 'vitest';

/** The run's PostgreSQL, as somebody who may create databases there, or not even that. */
export async function postgresOfTester({ mayCreate = true } = {}): Promise<string> {
  const url = new URL(inject('postgresUrl'));
  const [name, right] = mayCreate ? ['kit_tester', 'createdb'] : ['kit_guest', 'nocreatedb'];
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  try {
    // Files run side by side, and there is no "if not exists" for roles.
    await client.query(`do $$ begin create role ${name} login ${right} password '${name}';
      exception when duplicate_object or unique_violation then null; end $$`);
  } finally {
    await client.end();
  }
  url.username = name;
  url.password = name;
  return url.href;
}
