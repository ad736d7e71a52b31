import { hash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { z } from 'zod';
import { InvalidAccount } from '../../authorization-server/accounts/manage-accounts.ts';
import { DirectoryError } from '../../authorization-server/directory/mistake.ts';
import { DatabaseUnavailable } from '../../authorization-server/storage/database-unavailable.ts';
import { isLoopback } from '../../config/production.ts';
import type { Instance } from '../instance.ts';
import { accountRoutes } from './accounts.ts';
import { clientRoutes } from './clients.ts';
import { ControlError } from './control-error.ts';
import { endingRoutes } from './endings.ts';
import { findRoute, type Route } from './route.ts';
import { serverRoutes } from './server-routes.ts';
import { sessionRoutes } from './sessions.ts';
import { tokenRoutes } from './tokens.ts';

/** Bytes: a directory file has its place in it. */
const LONGEST_BODY = 1024 * 1024;

const ROUTES: readonly Route[] = [
  ...accountRoutes,
  ...clientRoutes,
  ...tokenRoutes,
  ...sessionRoutes,
  ...endingRoutes,
  ...serverRoutes,
];

/**
 * What drives a test server: everything, for whoever has the secret, and nothing for anybody else. Web pages are kept out
 * before that: no browser has any business here, least of all one that was told that some name of its own leads to this machine.
 */
export function controlServer(instance: Instance, secret: string): RequestListener {
  const inTurn = createTurns();
  return (request, response) => {
    answer(instance, { secret, inTurn }, request)
      .then((content) => send(response, content === undefined ? 204 : 200, content))
      .catch((error: unknown) => {
        const { status, message } = refusalOf(error);
        send(response, status, { error: message });
      });
  };
}

interface Control {
  readonly secret: string;
  readonly inTurn: Turns;
}

async function answer(instance: Instance, { secret, inTurn }: Control, request: IncomingMessage): Promise<unknown> {
  admit(request, secret);
  const { pathname, searchParams } = URL.parse(request.url ?? '', 'http://localhost') ?? unfit();
  if (/%00/.test(pathname) || ![...searchParams.values()].every(isText)) {
    unfit();
  }
  const { route, parameters } = findRoute(ROUTES, request.method ?? 'GET', pathname);
  const body = await readJson(request);
  // None of them meets a server that another one is about to replace, or a time that is about to change.
  return inTurn(() => route.answer(instance, { parameters, query: searchParams, body }));
}

type Turns = ReturnType<typeof createTurns>;

/** One after the other, whatever becomes of the one before. */
function createTurns() {
  let last: Promise<unknown> = Promise.resolve();
  return <Result>(work: () => Promise<Result>): Promise<Result> => {
    const turn = last.then(work, work);
    last = turn;
    return turn;
  };
}

function admit({ headers }: IncomingMessage, secret: string): void {
  const host = URL.parse(`http://${headers.host}`)?.hostname;
  if (host === undefined || !isLoopback(host)) {
    throw new ControlError(403, 'The control API is for programs on this machine: reach it as localhost.');
  }
  if (headers.origin !== undefined || headers['sec-fetch-site'] !== undefined) {
    throw new ControlError(403, 'The control API is not for web pages: call it from the program that runs the tests.');
  }
  const [scheme, presented = ''] = (headers.authorization ?? '').split(' ');
  if (scheme?.toLowerCase() !== 'bearer' || !isSame(presented, secret)) {
    throw new ControlError(401, 'The bearer token is missing or wrong: it is the secret that the test server printed.');
  }
}

function isSame(one: string, other: string): boolean {
  return timingSafeEqual(hash('sha256', one, 'buffer'), hash('sha256', other, 'buffer'));
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length > LONGEST_BODY) {
      throw new ControlError(413, `The body has more than ${LONGEST_BODY} bytes.`);
    }
    chunks.push(chunk);
  }
  if (length === 0) {
    return undefined;
  }
  if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) {
    throw new ControlError(415, 'The body has to be application/json.');
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString(), (key, value) =>
      isText(key) && isText(value) ? value : unfit(),
    );
  } catch (error) {
    throw error instanceof ControlError ? error : new ControlError(400, 'The body is not JSON.');
  }
}

/** PostgreSQL knows no NUL, nor half of a surrogate pair. */
function isText(value: unknown): boolean {
  return typeof value !== 'string' || (value.isWellFormed() && !value.includes('\0'));
}

function unfit(): never {
  throw new ControlError(400, 'There are characters that no text has: NUL, or half of a surrogate pair.');
}

function refusalOf(error: unknown): { status: number; message: string } {
  if (error instanceof ControlError) {
    return error;
  }
  if (error instanceof DirectoryError || error instanceof InvalidAccount) {
    return { status: 400, message: error.message };
  }
  if (error instanceof z.ZodError) {
    return { status: 400, message: z.prettifyError(error) };
  }
  if (error instanceof DatabaseUnavailable) {
    return { status: 503, message: 'PostgreSQL does not answer in time: is the machine too busy?' };
  }
  console.error(error);
  return { status: 500, message: `The test server failed: ${error instanceof Error ? error.message : error}` };
}

function send(response: ServerResponse, status: number, content: unknown): void {
  if (content === undefined) {
    response.writeHead(status).end();
    return;
  }
  const body = JSON.stringify(content);
  const headers = {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  };
  response.writeHead(status, headers).end(body);
}
