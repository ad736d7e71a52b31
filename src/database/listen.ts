import pg from 'pg';
import { type ConnectionOptions, connectionSettings, REQUEST_TIMEOUTS } from './connect.ts';

export interface ListenOptions extends Omit<ConnectionOptions, 'max' | 'timeouts'> {
  readonly channel: string;
  onNotification(payload: string): void;
  /** There is a connection, the first one or another: what was notified meanwhile has passed it by. */
  onConnect(): void;
}

const RECONNECT_AFTER_MS = 250;

/**
 * One connection that listens to a channel, and comes back by itself whenever it is lost. Notifications are no promise:
 * a pooler between the database and us may swallow them, so whoever listens has to ask as well.
 */
export class Listener {
  readonly #options: ListenOptions;
  #client: pg.Client;
  /** Of the latest attempt. */
  #connected: Promise<unknown>;
  #reconnect: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: ListenOptions) {
    this.#options = options;
    this.#client = this.#createClient();
    this.#connected = this.#connect();
  }

  /** On the connection that listens. Waits for an attempt to connect that is under way, and fails when there is none. */
  async query<Row extends pg.QueryResultRow>(statement: string): Promise<Row[]> {
    await this.#connected;
    const { rows } = await this.#client.query<Row>(statement);
    return rows;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#reconnect);
    const { stream } = this.#client.connection;
    const closed = stream.closed || new Promise((resolve) => stream.once('close', resolve));
    // Not end(), which waits for an answer, and while connecting leaves connect() without one (pg 8.23).
    stream.destroy();
    await closed;
  }

  #createClient(): pg.Client {
    return new pg.Client({
      ...connectionSettings({ ...this.#options, timeouts: REQUEST_TIMEOUTS }),
      // With this a query that gets no answer in time ends the connection, and those behind it with it.
      pipeline: true,
    });
  }

  #connect(): Promise<unknown> {
    const client = this.#client;
    const cut = () => client.connection.stream.destroy();
    client.on('error', cut);
    client.on('notification', ({ payload = '' }) => this.#options.onNotification(payload));
    client.once('end', () => this.#retry());
    const connected = client.connect();
    connected.then(() => this.#listen(), cut);
    return connected;
  }

  #listen(): void {
    const { channel, logger, onConnect } = this.#options;
    const report = (error: Error) => logger?.warn({ error: error.message, channel }, 'cannot listen to the database');
    this.#client.query(`listen ${channel}`).catch(report);
    onConnect();
  }

  #retry(): void {
    if (this.#closed) {
      return;
    }
    this.#reconnect = setTimeout(() => {
      try {
        this.#client = this.#createClient();
        this.#connected = this.#connect();
      } catch {
        // The URL names a certificate file, which is read now and may be in the course of being replaced.
        this.#retry();
      }
    }, RECONNECT_AFTER_MS).unref();
  }
}
