import pg from 'pg';

/** Any number that nothing else on this server locks. */
const TENANCY_LOCK = 0x636f6e63;

const LOCK_NOT_AVAILABLE = '55P03';

/**
 * Several processes of one checkout share its server (a second terminal, or a start while the first still runs). Each
 * holds a shared advisory lock for as long as it lives, kill -9 included; who leaves last turns off the light.
 */
export interface Tenancy {
  /** True when nobody else uses the server. From then on nobody new gets in, until the server stops. */
  leave(): Promise<boolean>;
  release(): Promise<void>;
}

export async function enterTenancy(url: string): Promise<Tenancy> {
  const client = new pg.Client({ connectionString: url, application_name: 'concierge embedded' });
  // The server went away under us: the queries of the pools say so, this connection has nothing to add.
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('select pg_advisory_lock_shared($1)', [TENANCY_LOCK]);
  } catch (error) {
    await client.end().catch(() => {});
    throw error;
  }
  return {
    async leave() {
      try {
        await client.query('select pg_advisory_unlock_shared($1)', [TENANCY_LOCK]);
        // The server needs a moment to notice that another process has died.
        await client.query("set lock_timeout = '250ms'");
        await client.query('select pg_advisory_lock($1)', [TENANCY_LOCK]);
        return true;
      } catch (error) {
        // Any other error: the server has crashed or is being stopped.
        return (error as pg.DatabaseError).code !== LOCK_NOT_AVAILABLE;
      }
    },
    release: () => client.end().catch(() => {}),
  };
}
