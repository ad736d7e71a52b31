import type { RequestListener, ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { AuthorizationServer } from '../authorization-server/server.ts';
import { DatabaseUnavailable } from '../authorization-server/storage/database-unavailable.ts';

const ATTEMPTS = 10;

/** Until a request is answered, and, milliseconds as well, until the rest of it is sent: longer goes on what waits for news. */
const LONGEST_ANSWER_MS = 10_000;
const LONGEST_REST_MS = 200;

/**
 * An authorization server that another one can take the place of, behind the same socket: what it reads at its start (keys) or
 * keeps in memory is as it would be after a restart, and no connection is cut. One replacement at a time.
 */
export interface ReplaceableServer {
  readonly handle: RequestListener;
  readonly current: AuthorizationServer;
  /** Requests that run end at the former one; new ones go to the next. */
  replace(): Promise<void>;
  /** Nothing runs while `work` does; requests that come wait for the next server. */
  replaceAfter(work: () => Promise<void>): Promise<void>;
  stop(): Promise<void>;
}

export async function startReplaceable(assemble: () => Promise<AuthorizationServer>): Promise<ReplaceableServer> {
  let current = await startOne(assemble);
  let opened: Promise<unknown> = Promise.resolve();
  const leaving = new Set<Promise<void>>();
  const leave = (one: Running) => {
    const left = one.stop().finally(() => leaving.delete(left));
    leaving.add(left);
    return left;
  };
  const next = async () => {
    current = await startOne(assemble);
  };
  return {
    handle(request, response) {
      void opened.then(() => current.handle(request, response));
    },
    get current() {
      return current.server;
    },
    async replace() {
      const former = current;
      await next();
      void leave(former);
    },
    async replaceAfter(work) {
      const gate = Promise.withResolvers<void>();
      opened = gate.promise;
      try {
        await leave(current);
        await Promise.all(leaving);
        await work();
      } finally {
        // Not before there is somebody to answer those who wait.
        await next().finally(gate.resolve);
      }
    },
    async stop() {
      await Promise.all([leave(current), ...leaving]);
    },
  };
}

/** Machines that run tests are busy, and a server in production is told within a second that its database does not answer. */
async function patiently(assemble: () => Promise<AuthorizationServer>): Promise<AuthorizationServer> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await assemble();
    } catch (error) {
      if (!(error instanceof DatabaseUnavailable) || attempt === ATTEMPTS) {
        throw error;
      }
    }
  }
}

type Running = Awaited<ReturnType<typeof startOne>>;

async function startOne(assemble: () => Promise<AuthorizationServer>) {
  const server = await patiently(assemble);
  await server.confirmDirectory();
  const deliveries = server.deliver();
  const responses = new Set<ServerResponse>();
  return {
    server,
    handle: ((request, response) => {
      responses.add(response);
      response.once('close', () => responses.delete(response));
      server.handle(request, response);
    }) satisfies RequestListener,
    async stop() {
      await until(() => responses.values().every(({ headersSent }) => headersSent), LONGEST_ANSWER_MS);
      await until(() => responses.size === 0, LONGEST_REST_MS);
      for (const response of responses) {
        response.destroy();
      }
      await deliveries.stop();
      await server.close();
    },
  };
}

async function until(isSo: () => boolean, longest: number): Promise<void> {
  const deadline = performance.now() + longest;
  while (!isSo() && performance.now() < deadline) {
    await pause(5);
  }
}
