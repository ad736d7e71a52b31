import pg from 'pg';

/** With a connection to the database that the URL names, for what concerns all databases of the server. */
export async function administer<Result>(url: string, work: (server: pg.Client) => Promise<Result>): Promise<Result> {
  const server = await connect(url);
  try {
    return await work(server);
  } finally {
    await server.end();
  }
}

export async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, application_name: 'concierge test-server' });
  client.on('error', () => {}); // What it breaks says so itself.
  await client.connect();
  return client;
}

/** Of another database of the same server. */
export function urlOf(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = name;
  return url.href;
}
