import { hash, randomUUID } from 'node:crypto';
import { IncomingMessage, ServerResponse } from 'node:http';
import { SAME_FOR_EVERYONE } from './protocol-endpoints.ts';

/** How long a change may stay unseen: as long as a change of the directory may. */
const KEPT_MS = 1000;

/** What differs from one request for the same document to the next. The rest is kept. */
const OF_ONE_REQUEST: ReadonlySet<string> = new Set(['x-request-id', 'access-control-allow-origin']);

/** What says something of a body, and goes with it. */
const OF_THE_BODY: ReadonlySet<string> = new Set(['content-type', 'content-length']);

/** Names and values in turns, as `writeHead` takes them. */
type HeaderList = readonly string[];

type Application = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

interface Document {
  readonly askedAt: number;
  readonly body: string;
  readonly etag: string;
  readonly headers: HeaderList;
  /** Those of a 304 (RFC 9110 §15.4.5). */
  readonly headersWithoutBody: HeaderList;
}

/**
 * Keys and metadata are fetched by every client and are the same for all of them: the application makes them once a
 * second at most, and whoever asks meanwhile gets that very answer, with a validator (RFC 9110 §8.8.3). Only the plain
 * request is answered here: another method or spelling of the path, a query or a body is the application's. In the log
 * stands what the application was asked, so a line a second at most for each document: more would cost more than the
 * answer does, and say nothing about anyone.
 */
export function publishedDocuments(application: Application, now: () => number = () => performance.now()): Application {
  const documents = new Map<string, Document>();
  return async (request, response) => {
    const { url: path = '' } = request;
    if (!SAME_FOR_EVERYONE.has(path) || !isPlainRead(request)) {
      return application(request, response);
    }
    const kept = documents.get(path);
    if (kept === undefined || now() - kept.askedAt >= KEPT_MS) {
      return askAndSend(path, request, response);
    }
    send(kept, request, response, randomUUID());
  };

  async function askAndSend(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const askedAt = now();
    const { answer, body } = await ask(application, request);
    if (answer.statusCode === 200 && typeof body === 'string') {
      const document = documentOf(answer, body, askedAt);
      documents.set(path, document);
      send(document, request, response, String(answer.getHeader('X-Request-Id')));
    } else {
      response.writeHead(answer.statusCode, listOf(answer)).end(body);
    }
  }
}

function isPlainRead({ method, headers }: IncomingMessage): boolean {
  return (
    (method === 'GET' || method === 'HEAD') &&
    headers['content-length'] === undefined &&
    headers['transfer-encoding'] === undefined
  );
}

/** What the application answers to a GET that comes with these headers from there; it is also what logs it. */
function ask(
  application: Application,
  { socket, headers, url }: IncomingMessage,
): Promise<{ answer: ServerResponse; body: unknown }> {
  return new Promise((resolve) => {
    const request = Object.assign(new IncomingMessage(socket), { method: 'GET', url, headers });
    const answer: ServerResponse = Object.assign(new ServerResponse(request), {
      end(body?: unknown) {
        resolve({ answer, body });
        return answer;
      },
    });
    application(request, answer);
  });
}

function documentOf(answer: ServerResponse, body: string, askedAt: number): Document {
  const etag = `"${hash('sha256', body, 'base64url')}"`;
  answer.setHeader('ETag', etag);
  const headers = listOf(answer, (name) => !OF_ONE_REQUEST.has(name));
  const headersWithoutBody = listOf(answer, (name) => !OF_ONE_REQUEST.has(name) && !OF_THE_BODY.has(name));
  return { askedAt, body, etag, headers, headersWithoutBody };
}

function listOf(answer: ServerResponse, wanted: (name: string) => boolean = () => true): string[] {
  return answer
    .getHeaderNames()
    .filter(wanted)
    .flatMap((name) => [name, String(answer.getHeader(name))]);
}

function send(document: Document, request: IncomingMessage, response: ServerResponse, requestId: string): void {
  const known = matches(request.headers['if-none-match'], document.etag);
  response.writeHead(known ? 304 : 200, [
    ...(known ? document.headersWithoutBody : document.headers),
    'X-Request-Id',
    requestId,
    // Any page may read what anybody may; the engine says it in these words.
    'Access-Control-Allow-Origin',
    request.headers.origin ?? '*',
  ]);
  response.end(known ? undefined : document.body);
}

/** RFC 9110 §13.1.2: by weak comparison. */
function matches(ifNoneMatch: string | undefined, etag: string): boolean {
  const tags = ifNoneMatch?.split(',').map((tag) => tag.trim().replace(/^W\//, '')) ?? [];
  return tags.includes(etag) || tags.includes('*');
}
