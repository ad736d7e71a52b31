import type { ChildProcess, SendHandle } from 'node:child_process';
import type { Worker } from 'node:cluster';

/**
 * Ends the connections that died with a worker: node:cluster hands a connection over and lets go of it only when the
 * worker confirms. Of one that is killed in between, it would hold the connection open for ever, and the client waits.
 * The worker may have read from it already, so it is closed, which the client sees at once, and not given to another.
 *
 * This reads the messages of node:cluster's own protocol (lib/internal/cluster/round_robin_handle.js), because there
 * is no public sign of a handover.
 */
export function closeWhatDiesWith(worker: Worker): void {
  const { process } = worker;
  const unconfirmed = new Map<number, Connection>();
  const send: (...args: unknown[]) => boolean = process.send.bind(process) as never;

  process.send = ((message: ClusterMessage, handle?: SendHandle, ...rest: unknown[]) => {
    if (message.cmd === 'NODE_CLUSTER' && message.act === 'newconn' && message.seq !== undefined) {
      unconfirmed.set(message.seq, handle as unknown as Connection);
    }
    return send(message, handle, ...rest);
  }) as ChildProcess['send'];
  process.on('internalMessage', ({ ack }: ClusterMessage) => {
    if (ack !== undefined) {
      unconfirmed.delete(ack);
    }
  });
  worker.once('exit', () => {
    for (const connection of unconfirmed.values()) {
      connection.close();
    }
    unconfirmed.clear();
  });
}

interface ClusterMessage {
  readonly cmd?: string;
  readonly act?: string;
  readonly seq?: number;
  readonly ack?: number;
}

/** As libuv has it: below a net.Socket. */
interface Connection {
  close(): void;
}
