import * as http from 'node:http';
import * as https from 'node:https';

/** A few kilobytes, where no client has filled its authorization details: 32,768 characters at most, of three bytes each. */
const LARGEST_ANSWER = 128 * 1024;

export interface JsonRequest {
  readonly headers?: Readonly<Record<string, string>>;
  /** Is posted. */
  readonly form?: URLSearchParams;
  /** For the whole exchange, the body included. */
  readonly timeoutMs: number;
  /** Those of the process, unless given. */
  readonly connections?: Connections;
}

export interface Connections {
  readonly http: http.Agent | false;
  readonly https: https.Agent | false;
}

/** Opened for one request, and closed behind it. */
const NEW_CONNECTIONS: Connections = { http: false, https: false };

/** Connections that are kept open for the next request, at most so many at a time: what is more waits. */
export function keepConnections(most: number): Connections {
  const options = { keepAlive: true, maxSockets: most };
  return { http: new http.Agent(options), https: new https.Agent(options) };
}

export interface JsonAnswer {
  readonly status: number;
  /** `undefined` when the body is none. */
  readonly json: unknown;
}

/**
 * Asks the authorization server. Throws when there is no whole answer in time, and when it is too large. Follows no redirect:
 * that would carry credentials to a place nobody has vouched for.
 *
 * A connection that was kept may turn out to be closed, as each restart of its other end has it: everything asked here only
 * reads, so it is asked a second time, over a new connection, for the next one that was kept may be closed as well. Not by
 * `fetch`, which takes twice the processor time for the same (Node 24).
 */
export async function requestJson(url: string, request: JsonRequest): Promise<JsonAnswer> {
  const deadline = new Deadline(request.timeoutMs);
  try {
    return await exchange(url, request, deadline).catch((error: NodeJS.ErrnoException) => {
      deadline.throwIfPassed();
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') {
        throw error;
      }
      return exchange(url, { ...request, connections: NEW_CONNECTIONS }, deadline);
    });
  } finally {
    deadline.clear();
  }
}

function exchange(url: string, request: JsonRequest, deadline: Deadline): Promise<JsonAnswer> {
  const { form, headers, connections = { http: http.globalAgent, https: https.globalAgent } } = request;
  const body = form?.toString();
  const options = {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      accept: 'application/json',
      ...headers,
      ...(body !== undefined && {
        'content-type': 'application/x-www-form-urlencoded',
        'content-length': Buffer.byteLength(body),
      }),
    },
  };
  return new Promise((resolve, reject) => {
    const sent = url.startsWith('https:')
      ? https.request(url, { ...options, agent: connections.https })
      : http.request(url, { ...options, agent: connections.http });
    deadline.ends(sent);
    sent.on('error', reject);
    sent.on('response', (response) => {
      readText(response).then((text) => resolve({ status: response.statusCode ?? 0, json: parse(text) }), reject);
    });
    sent.end(body);
  });
}

/** What `AbortSignal.timeout` does, for a fraction of its cost. */
class Deadline {
  readonly #timer: NodeJS.Timeout;
  #request: http.ClientRequest | undefined;
  #passed: Error | undefined;

  constructor(ms: number) {
    this.#timer = setTimeout(() => {
      this.#passed = new Error(`no answer within ${ms} ms`);
      this.#request?.destroy(this.#passed);
    }, ms);
  }

  ends(request: http.ClientRequest): void {
    this.#request = request;
  }

  /** Of a request that was ended, an answer that had begun says only that the connection is gone. */
  throwIfPassed(): void {
    if (this.#passed !== undefined) {
      throw this.#passed;
    }
  }

  clear(): void {
    clearTimeout(this.#timer);
  }
}

/** Throws for more than that; `onChunk` sees each part as it arrives. */
export async function readText(
  body: AsyncIterable<Uint8Array> | null,
  longest = LARGEST_ANSWER,
  onChunk: (chunk: Uint8Array) => void = () => {},
): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.length;
    onChunk(chunk);
    if (size > longest) {
      throw new Error(`the answer is larger than ${longest} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
