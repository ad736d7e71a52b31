import pg from 'pg';

/** With a connection to the database that the URL names, for what concerns all databases of the server. */
export async function administer<Result>(url: string, work: (server: pg.Client) => Promise<Result>): Promise<Result> {
  const server = new pg.Client({ connectionString: url, application_name: 'concierge test-server' });
  server.on('error', () => {});
  await server.connect();
  try {
    return await work(server);
  } finally {
    await server.end();
  }
}

/** Of another database of the same server. */
export function urlOf(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = name;
  return url.href;
}
