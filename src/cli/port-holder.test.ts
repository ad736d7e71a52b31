import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { portHolder } from './port-holder.ts';

it('names the process that listens on a port, and nobody once it is free', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  expect(await portHolder(port)).toMatch(new RegExp(`^node .*\\(pid ${process.pid}\\)$`));
  server.close();
  await once(server, 'close');
  expect(await portHolder(port)).toBeUndefined();
});
