/** A receiver of security events as a third party would write it, from the standards alone. */
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { basicAuth, DEMO_API, send, type TestClient } from './relying-party.ts';

export interface ReceivedEvent {
  readonly jti: string;
  readonly uri: string;
  readonly subject: Readonly<Record<string, unknown>>;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface Polled {
  readonly sets: Readonly<Record<string, string>>;
  readonly moreAvailable?: boolean;
}

type ReceiverClient = TestClient & { readonly secret: string };

/** With the credentials of a resource server's client. */
export function createReceiver(issuer: string, { clientId, secret }: ReceiverClient = DEMO_API, node = issuer) {
  const keys = createRemoteJWKSet(new URL(`${node}/jwks`));
  const headers = { authorization: basicAuth(clientId, secret), 'content-type': 'application/json' };

  function ask(method: string, path: string, body?: unknown) {
    const url = path.startsWith('http') ? path : node + path;
    return send(url, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) });
  }

  async function read(set: string, audience: string): Promise<ReceivedEvent> {
    const { payload } = await jwtVerify(set, keys, { issuer, audience, typ: 'secevent+jwt' });
    const { jti = '', sub_id: subject, events } = payload as typeof payload & Record<'sub_id' | 'events', never>;
    const [[uri, details] = ['', {}], ...others] = Object.entries(events);
    if (others.length > 0 || 'exp' in payload || 'sub' in payload) {
      throw new Error(`no such SET: ${JSON.stringify(payload)}`);
    }
    return { jti, uri, subject, details: details as object as ReceivedEvent['details'] };
  }

  return {
    ask,
    headers,
    read,
    async open(wanted: object = {}) {
      const { status, body, text } = await ask('POST', '/ssf/streams', wanted);
      if (status !== 201) {
        throw new Error(`no stream but ${status} ${text}`);
      }
      const {
        stream_id: id,
        aud,
        delivery,
      } = body as never as {
        stream_id: string;
        aud: string;
        delivery: { endpoint_url: string };
      };
      const address = delivery.endpoint_url.replace(issuer, node);
      const poll = (request: object = {}) => ask('POST', address, request);
      return {
        id,
        address,
        poll,
        /** What there is now, and acknowledges it. */
        async events(): Promise<readonly ReceivedEvent[]> {
          const { sets } = (await poll({ returnImmediately: true })).body as never as Polled;
          const events = await Promise.all(Object.values(sets).map((set) => read(set, aud)));
          await poll({ ack: events.map(({ jti }) => jti), maxEvents: 0 });
          return events;
        },
      };
    },
  };
}
