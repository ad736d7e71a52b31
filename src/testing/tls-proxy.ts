import { once } from 'node:events';
import { request as forward, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { TLSSocket } from 'node:tls';
import { type Certificate, createAuthority } from './certificates.ts';

/** The headers in which it passes on what it knows of the client. */
export const CERTIFICATE_HEADER = 'X-Client-Certificate';
export const VERIFIED_HEADER = 'X-Client-Verify';

export type TlsProxy = Awaited<ReturnType<typeof startTlsProxy>>;

/**
 * What docs/operations.md tells an operator to put in front: ends TLS, asks every client for a certificate, and passes on the
 * one that came, and whether it comes from its authority; what the client itself says in these headers is dropped. It can be
 * reached under two names, so that one of them can be the issuer's.
 */
export async function startTlsProxy() {
  const authority = await createAuthority('Authority of the tests');
  const own = await authority.issue({
    subject: 'CN=proxy',
    names: [
      { type: 'dns', value: 'localhost' },
      { type: 'ip', value: '127.0.0.1' },
    ],
  });
  let target = '';
  const { cert, key } = own;
  const options = { cert, key, ca: authority.cert, requestCert: true, rejectUnauthorized: false };
  const server = createServer(options, (incoming, response) => void pass(incoming, response, target));
  server.listen(0, 'localhost');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    authority,
    origin: `https://localhost:${port}`,
    otherOrigin: `https://127.0.0.1:${port}`,
    /** Everything goes there from now on. */
    passTo(address: string) {
      target = address;
    },
    /** `fetch` over TLS, with this certificate or without any. */
    fetchAs: (client?: Certificate) => fetchOver({ ca: authority.cert, ...client }),
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function pass(incoming: IncomingMessage, response: ServerResponse, target: string): void {
  const socket = incoming.socket as TLSSocket;
  const { raw } = socket.getPeerX509Certificate() ?? {};
  const headers: NodeJS.Dict<string | string[]> = { ...incoming.headers, 'x-forwarded-for': '192.0.2.1' };
  headers[CERTIFICATE_HEADER.toLowerCase()] = raw && encodeURIComponent(toPem(raw));
  headers[VERIFIED_HEADER.toLowerCase()] =
    raw && (socket.authorized ? 'SUCCESS' : `FAILED:${socket.authorizationError}`);
  const { method, url } = incoming;
  const given = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined));
  const sent = forward(target + url, { method, headers: given }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  incoming.pipe(sent);
}

function toPem(bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}

/** Node's `fetch` shows no certificates. */
function fetchOver(tls: { readonly ca: string; readonly cert?: string; readonly key?: string }): typeof fetch {
  return async (input, init = {}) => {
    const { method = 'GET', body } = init;
    const headers = Object.fromEntries(new Headers(init.headers));
    const url = new URL(input instanceof Request ? input.url : input);
    const content = body === undefined || body === null ? '' : String(body);
    if (body instanceof URLSearchParams) {
      headers['content-type'] ??= 'application/x-www-form-urlencoded;charset=UTF-8';
    }
    const sent = request(url, { ...tls, method, headers, agent: false });
    sent.end(content);
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    const fields = Object.entries(answer.headersDistinct).flatMap(([name, values = []]) =>
      values.map((value): [string, string] => [name, value]),
    );
    const bytes = await buffer(answer);
    return new Response(bytes.length === 0 ? null : new Uint8Array(bytes), {
      status: answer.statusCode ?? 0,
      headers: fields,
    });
  };
}
