import { randomUUID } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { isForPrograms, SAME_FOR_EVERYONE } from './protocol-endpoints.ts';
import type { LogRequest } from './request-id.ts';
import { RETRY_AFTER_SECONDS } from './retry-after.ts';

/**
 * Requests that one turn of the event loop takes up. Requests wait in their sockets while a process has more to do than
 * it can, and all that are there at the time are read in one turn: a long turn is what a queue looks like. An admitted
 * request waits for its own turn and a few more, for what the database answers.
 */
export const MAX_IN_TURN = 256;

/**
 * Requests that a process works on at the same time: when it is others that are slow, the database above all. More than
 * the database's connections keep busy, and enough to leave room beside all those whose passwords may wait to be hashed
 * (`passwords.queue`).
 */
export const MAX_IN_PROGRESS = 512;

/** What tells others that this node is well, and what costs next to nothing. */
const ALWAYS_ADMITTED: ReadonlySet<string> = new Set(['/healthz', '/readyz', ...SAME_FOR_EVERYONE]);

type Application = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

interface Admission {
  readonly log: LogRequest;
  /** Those of every response. */
  readonly headers: ReadonlyMap<string, string>;
  readonly maxInProgress?: number;
  readonly maxInTurn?: number;
}

/**
 * What comes while the process is busy is refused at once, before it costs anything, so that what has been admitted is
 * answered soon. Without a bound all would be late, and clients that have given up would be served first.
 *
 * A request is in progress from when all of it has arrived until the work for it has ended: a sender that takes its time
 * takes it from nobody else, and one that hangs up has not got rid of its request.
 */
export function admission(
  application: Application,
  { log, headers, maxInProgress = MAX_IN_PROGRESS, maxInTurn = MAX_IN_TURN }: Admission,
): RequestListener {
  const refuse = createRefusal(headers);
  const inTurn = countInTurn();
  let inProgress = 0;

  async function admit(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let counts = false;
    let ended = false;
    const begin = () => {
      counts = !ended;
      inProgress += counts ? 1 : 0;
    };
    if (hasBody(request)) {
      request.once('end', begin);
    } else {
      begin();
    }
    try {
      await application(request, response);
    } finally {
      ended = true;
      inProgress -= counts ? 1 : 0;
    }
  }

  return async (request, response) => {
    if (ALWAYS_ADMITTED.has(request.url ?? '')) {
      return application(request, response);
    }
    if (inProgress < maxInProgress && inTurn() <= maxInTurn) {
      return admit(request, response);
    }
    const requestId = randomUUID();
    const path = pathOf(request);
    refuse(path, requestId, response);
    log(request, { requestId, path, status: 503, milliseconds: 0 });
  };
}

/** Counts calls, anew in each turn of the event loop. */
function countInTurn(): () => number {
  let count = 0;
  return () => {
    if (count === 0) {
      setImmediate(() => {
        count = 0;
      });
    }
    count += 1;
    return count;
  };
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function pathOf({ url = '/' }: IncomingMessage): string {
  return URL.parse(url, 'http://host')?.pathname ?? '/';
}

function createRefusal(headers: ReadonlyMap<string, string>) {
  const common = [...headers].flat();
  common.push('Cache-Control', 'no-store', 'Retry-After', RETRY_AFTER_SECONDS);
  const json = JSON.stringify({ error: 'temporarily_unavailable', error_description: 'the server is too busy now' });
  const text = 'The server has more to do right now than it can. Please try again in a moment.\n';
  return (path: string, requestId: string, response: ServerResponse) => {
    const [type, body] = isForPrograms(path) ? ['application/json', json] : ['text/plain', text];
    const length = String(Buffer.byteLength(body));
    const own = ['Content-Type', `${type}; charset=utf-8`, 'Content-Length', length, 'X-Request-Id', requestId];
    response.writeHead(503, [...common, ...own]).end(body);
  };
}
