import { z } from 'zod';
import { wellKnown } from './discovery.ts';
import { basicAuth } from './introspection.ts';
import { readText } from './request-json.ts';
import type { Credentials } from './strategy.ts';

const Metadata = z.object({ issuer: z.string(), configuration_endpoint: z.url() });
const Configuration = z.object({ stream_id: z.string(), delivery: z.object({ endpoint_url: z.url() }) });
const Polled = z.object({ sets: z.record(z.string(), z.string()), moreAvailable: z.boolean().optional() });

const POLL = 'urn:ietf:rfc:8936';

/** The authorization server answered, but with this. */
export class Unexpected extends Error {
  readonly status: number;

  constructor(url: string, status: number) {
    super(`${url} answered ${status}`);
    this.status = status;
  }
}

export interface EventStreamOptions {
  readonly issuer: string;
  readonly client: Credentials;
  readonly timeoutMs: number;
}

export interface Poll {
  /** By `jti`: what was processed, and what could not be. */
  readonly ack: readonly string[];
  readonly setErrs: Readonly<Record<string, { readonly err: string; readonly description: string }>>;
}

/** A stream of our own at a transmitter of the OpenID Shared Signals Framework 1.0. */
export interface EventStream {
  /**
   * RFC 8936: the SETs that are there, by `jti`, or that come while the server keeps the request open. Meanwhile it sends
   * spaces, and for each `isSilent` is called: up to here nothing has happened. Throws `Unexpected` with 404 where the stream is gone.
   */
  poll(poll: Poll, isSilent: () => void): Promise<Readonly<Record<string, string>>>;
  remove(): Promise<void>;
}

/** The events that happen from now on. */
export async function createEventStream(options: EventStreamOptions, signal: AbortSignal): Promise<EventStream> {
  const { issuer, client, timeoutMs } = options;
  const headers = {
    authorization: basicAuth(client.clientId, client.clientSecret),
    'content-type': 'application/json',
  };
  const ask = async (url: string, init: RequestInit, expected: number) => {
    const response = await fetch(url, { redirect: 'error', headers, ...init });
    if (response.status !== expected) {
      await response.body?.cancel();
      throw new Unexpected(url, response.status);
    }
    return response;
  };
  const askSoon = async (url: string, init: RequestInit, expected: number) =>
    ask(url, { ...init, signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]) }, expected);

  const metadataUrl = wellKnown(issuer, 'ssf-configuration');
  const metadata = Metadata.parse(await jsonOf(await askSoon(metadataUrl, { headers: {} }, 200)));
  if (metadata.issuer !== issuer) {
    throw new Error(`${metadataUrl} names another issuer: ${JSON.stringify(metadata.issuer)}`);
  }
  const endpoint = withTlsOf(issuer, metadata.configuration_endpoint);
  const wanted = JSON.stringify({ delivery: { method: POLL } });
  const created = await jsonOf(await askSoon(endpoint, { method: 'POST', body: wanted }, 201));
  const { stream_id, delivery } = Configuration.parse(created);
  const url = withTlsOf(issuer, delivery.endpoint_url);
  return {
    async poll(poll, isSilent) {
      const silence = new Silence(timeoutMs);
      try {
        const body = JSON.stringify(poll);
        const both = AbortSignal.any([signal, silence.signal]);
        const response = await ask(url, { method: 'POST', body, signal: both }, 200);
        const text = await readText(response.body, LARGEST_POLL, (chunk) => {
          silence.end();
          if (isBlank(chunk)) {
            isSilent();
          }
        });
        return Polled.parse(JSON.parse(text)).sets;
      } finally {
        silence.stop();
      }
    },
    async remove() {
      const one = `${endpoint}?stream_id=${encodeURIComponent(stream_id)}`;
      await ask(one, { method: 'DELETE', signal: AbortSignal.timeout(timeoutMs) }, 204);
    },
  };
}

/** Aborts what says nothing for so long. */
class Silence {
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;

  constructor(longestMs: number) {
    this.#timer = setTimeout(() => this.#controller.abort(new Error('the stream has fallen silent')), longestMs);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  end(): void {
    this.#timer.refresh();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

/** As many events as come at once, of about 600 bytes each. */
const LARGEST_POLL = 1024 * 1024;

const SPACES: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d]);

function isBlank(chunk: Uint8Array): boolean {
  return chunk.every((byte) => SPACES.has(byte));
}

async function jsonOf(response: Response): Promise<unknown> {
  return JSON.parse(await readText(response.body));
}

/** Credentials go there: never in the clear when the issuer itself is not. */
function withTlsOf(issuer: string, url: string): string {
  if (issuer.startsWith('https:') && !url.startsWith('https:')) {
    throw new Error(`${issuer} names an endpoint without TLS: ${url}`);
  }
  return url;
}
