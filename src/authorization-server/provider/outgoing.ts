/**
 * Every request that the server itself makes to an address that a registration, a document or a stranger named: keys, lists
 * of redirect URIs, notices of a sign-out.
 *
 * Whoever names the address could point the server at what only the server can reach (SSRF). So only public addresses
 * are called, over https, checked where the connection is made: a name that resolves differently a moment later gets
 * nothing. The engine (9.13.3) has a guard of its own, which looks at the socket after connecting, through internals of
 * Node's fetch, and lets everything pass where it does not find them; it is not relied upon.
 */
import { lookup as resolve } from 'node:dns';
import { request as requestInClear } from 'node:http';
import { request } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { isLoopback, isPublic } from './public-addresses.ts';

/** Like `fetch`, but it follows no redirect: the status is the caller's to judge. */
export type Outgoing = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/** Milliseconds, for name, connection and answer together. */
const PATIENCE = 2500;

/** A key set with certificates is the largest of what most ask for. */
const ANSWER_LIMIT = 64 * 1024;

interface OutgoingOptions {
  readonly development: boolean;
  /** Bytes. */
  readonly answerLimit?: number;
}

const WITHOUT_BODY: readonly (number | undefined)[] = [204, 205, 304];

/** In development mode clients live on this machine: loopback may be called then, also without TLS. */
export function createOutgoing({ development, answerLimit = ANSWER_LIMIT }: OutgoingOptions): Outgoing {
  const mayCall = (address: string) => isPublic(address) || (development && isLoopback(address));
  const lookup = guardedLookup(mayCall);
  return async (input, init = {}) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const host = url.hostname.replace(/^\[|\]$/g, '');
    // A name is looked up, and checked then. An address is not.
    if (isIP(host) !== 0 && !mayCall(host)) {
      throw notPublic(host, host);
    }
    const inClear = development && url.protocol === 'http:' && (host === 'localhost' || isLoopback(host));
    if (url.protocol !== 'https:' && !inClear) {
      throw new Error(`${url.origin} is not called: only https is`);
    }
    const patience = AbortSignal.timeout(PATIENCE);
    const signal = init.signal ? AbortSignal.any([patience, init.signal]) : patience;
    return call(inClear ? requestInClear : request, url, { ...init, signal }, { lookup, answerLimit });
  };
}

async function call(
  send: typeof request,
  url: URL,
  { method = 'GET', headers, body, signal }: RequestInit & { readonly signal: AbortSignal },
  { lookup, answerLimit }: { readonly lookup: LookupFunction; readonly answerLimit: number },
): Promise<Response> {
  const sent = send(url, { method, headers: Object.fromEntries(new Headers(headers)), lookup, signal, agent: false });
  return new Promise((answer, fail) => {
    sent.on('error', fail);
    sent.on('response', (message) => {
      let received = 0;
      message.on('data', (chunk: Buffer) => {
        received += chunk.length;
        if (received > answerLimit) {
          message.destroy(new Error(`${url.origin} answered with more than ${answerLimit} bytes`));
        }
      });
      buffer(message)
        .then((bytes) => {
          const content = WITHOUT_BODY.includes(message.statusCode) ? null : new Uint8Array(bytes);
          const fields = Object.entries(message.headersDistinct).map(([name, values = []]) => [
            name,
            values.join(', '),
          ]);
          answer(new Response(content, { status: message.statusCode ?? 0, headers: fields as [string, string][] }));
        })
        .catch(fail);
    });
    sent.end(body === undefined || body === null ? undefined : String(body));
  });
}

function guardedLookup(mayCall: (address: string) => boolean): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      const refused = addresses?.find(({ address }) => !mayCall(address));
      const [first] = addresses ?? [];
      if (error || refused !== undefined || first === undefined) {
        callback(error ?? notPublic(hostname, refused?.address ?? 'no address'), []);
      } else if (options.all) {
        callback(null, addresses);
      } else {
        callback(null, first.address, first.family);
      }
    });
  };
}

function notPublic(host: string, address: string): Error {
  return new Error(`${host} is not called: ${address} is not a public address`);
}
