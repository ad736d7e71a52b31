import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** What stands in front of several nodes and gives each connection to one of them. */
export interface Balancer {
  readonly address: string;
  /** New connections go to these, in turns. */
  readonly nodes: string[];
  stop(): Promise<void>;
}

export async function startBalancer(address: string): Promise<Balancer> {
  const nodes: string[] = [];
  const sockets = new Set<Socket>();
  let turn = 0;
  const server = createServer({ noDelay: true }, (client) => {
    turn += 1;
    const node = URL.parse(nodes[turn % nodes.length] ?? '');
    const ends = [client, connect({ port: Number(node?.port), host: 'localhost', noDelay: true })] as const;
    for (const [index, end] of ends.entries()) {
      const other = ends[1 - index];
      sockets.add(end);
      end.on('error', () => {});
      end.once('close', () => {
        sockets.delete(end);
        other?.destroy();
      });
    }
    client.pipe(ends[1]).pipe(client);
  });
  server.listen(Number(new URL(address).port), 'localhost');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    address: `http://localhost:${port}`,
    nodes,
    async stop() {
      server.close();
      for (const socket of sockets) {
        socket.destroy();
      }
      await once(server, 'close');
    },
  };
}
