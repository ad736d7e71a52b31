import type { Server } from 'node:http';

/** How long the sender of a refused body has to hear the answer before the connection goes. */
const LINGER_MS = 1000;

/**
 * Node reads a body that nobody wanted to its end, however long, and one that was refused half-way not at all. Closing
 * at once is no way out: what is still coming in would make the kernel reset the connection, and the sender might never
 * see why it was refused. Who has sent everything by then goes on with its next request.
 */
export function endUnreadBodies(server: Server): void {
  server.prependListener('request', (req, res) => {
    res.once('finish', () => {
      if (!req.complete) {
        req.resume();
        const timer = setTimeout(() => req.complete || req.socket.destroy(), LINGER_MS);
        req.once('close', () => clearTimeout(timer));
      }
    });
  });
}
