import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export type DatabaseProxy = Awaited<ReturnType<typeof startProxy>>;

/**
 * Stands between a client and a database. It can stop passing anything on without closing a connection, which is what a
 * cut cable looks like from both ends, and `rewrite` what the client sends, one character for one.
 */
export async function startProxy(databaseUrl: string, rewrite = (sent: string) => sent) {
  const url = new URL(databaseUrl);
  const { port, hostname } = url;
  const connections = new Set<Connection>();
  let isCut = false;
  const server = createServer((client) => {
    const connection = { isCut, ends: [client, connect(Number(port), hostname)] as const };
    connections.add(connection);
    passOn(connection, (data) => Buffer.from(rewrite(data.toString('latin1')), 'latin1'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    /** Connections that there are fall silent for ever, new ones until `mend`. */
    cut() {
      isCut = true;
      for (const connection of connections) {
        connection.isCut = true;
      }
    },
    mend() {
      isCut = false;
    },
    async stop() {
      for (const socket of [...connections].flatMap(({ ends }) => ends)) {
        socket.destroy();
      }
      server.close();
      await once(server, 'close');
    },
  };
}

interface Connection {
  isCut: boolean;
  readonly ends: readonly [client: Socket, database: Socket];
}

function passOn(connection: Connection, change: (sent: Buffer) => Buffer): void {
  const [client, database] = connection.ends;
  client.on('data', (data) => connection.isCut || database.write(change(data)));
  database.on('data', (data) => connection.isCut || client.write(data));
  for (const [one, other] of [connection.ends, [database, client] as const]) {
    one.on('error', () => {});
    one.on('close', () => connection.isCut || other.destroy());
  }
}
