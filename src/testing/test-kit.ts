import pg from 'pg';
import { inject } from 'vitest';

const NAME = 'kit_tester';

/** The run's PostgreSQL, as somebody who may create databases there, and nothing else. */
export async function postgresOfTester(): Promise<string> {
  const url = new URL(inject('postgresUrl'));
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  try {
    // Files run side by side, and there is no "if not exists" for roles.
    await client.query(`do $$ begin create role ${NAME} login createdb password '${NAME}';
      exception when duplicate_object or unique_violation then null; end $$`);
  } finally {
    await client.end();
  }
  url.username = NAME;
  url.password = NAME;
  return url.href;
}
