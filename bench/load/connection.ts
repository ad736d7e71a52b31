import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface Answer {
  readonly status: number;
  /** Status line and header fields, as they came. */
  readonly head: string;
  readonly body: Buffer;
}

/**
 * One HTTP/1.1 connection, one request at a time, and the least work that reads an answer: the load must not cost the
 * processors more than what it measures.
 */
export class Connection {
  readonly #port: number;
  #socket: Socket | undefined;
  #received: Buffer | undefined;
  #pending: PromiseWithResolvers<Answer> | undefined;

  constructor(port: number) {
    this.#port = port;
  }

  async open(): Promise<void> {
    const socket = connect({ port: this.#port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => {
      if (this.#socket === socket) {
        this.#socket = undefined;
      }
      this.#fail(new Error('the server closed the connection'));
    });
    this.#socket = socket;
  }

  /** Sends a whole request. A connection that the server has closed in the meantime is opened again. */
  async exchange(request: string): Promise<Answer> {
    if (this.#socket === undefined) {
      await this.open();
    }
    const pending = Promise.withResolvers<Answer>();
    this.#pending = pending;
    this.#received = undefined;
    this.#socket?.write(request, 'latin1');
    return pending.promise;
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  #receive(chunk: Buffer): void {
    this.#received = this.#received === undefined ? chunk : Buffer.concat([this.#received, chunk]);
    const answer = parseAnswer(this.#received);
    if (answer !== undefined && this.#pending !== undefined) {
      const pending = this.#pending;
      this.#pending = undefined;
      if (/\r\nconnection: close/i.test(answer.head)) {
        this.close();
      }
      pending.resolve(answer);
    }
  }

  #fail(error: Error): void {
    this.#pending?.reject(error);
    this.#pending = undefined;
  }
}

/** `undefined` until it is complete. */
function parseAnswer(received: Buffer): Answer | undefined {
  const end = received.indexOf('\r\n\r\n');
  if (end === -1) {
    return undefined;
  }
  const head = received.toString('latin1', 0, end);
  const status = Number(head.slice(9, 12));
  const start = end + 4;
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (length !== undefined) {
    const stop = start + Number(length);
    return received.length < stop ? undefined : { status, head, body: received.subarray(start, stop) };
  }
  if (/\r\ntransfer-encoding: *chunked/i.test(head)) {
    const body = dechunk(received.subarray(start));
    return body && { status, head, body };
  }
  return { status, head, body: received.subarray(start, start) };
}

/** RFC 9112 §7.1, without trailers. */
function dechunk(received: Buffer): Buffer | undefined {
  const chunks: Buffer[] = [];
  let position = 0;
  while (true) {
    const line = received.indexOf('\r\n', position);
    if (line === -1) {
      return undefined;
    }
    const size = Number.parseInt(received.toString('latin1', position, line), 16);
    const stop = line + 2 + size;
    if (received.length < stop + 2) {
      return undefined;
    }
    if (size === 0) {
      return Buffer.concat(chunks);
    }
    chunks.push(received.subarray(line + 2, stop));
    position = stop + 2;
  }
}
