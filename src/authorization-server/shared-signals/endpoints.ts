import type { Middleware, ParameterizedContext } from 'koa';
import type { z } from 'zod';
import type { ClientStore } from '../clients/client.ts';
import { verifySecret } from '../clients/secret.ts';
import { readJson } from '../http/read-json.ts';
import type { EventStream, EventStreams } from './event-stream.ts';
import { type Poll, PollRequest, type Receiver } from './poll.ts';
import * as configuration from './stream-configuration.ts';
import { CannotTell } from './waiting-polls.ts';

const { SSF_PATHS, streamConfiguration, streamStatus } = configuration;

export interface SharedSignalsDeps {
  readonly issuer: string;
  readonly clients: ClientStore;
  readonly streams: EventStreams;
  readonly poll: Poll;
  /** False when the receiver of this stream has asked too often. */
  readonly mayVerify: (streamId: string) => Promise<boolean>;
}

/** RFC 8935 §2.3 has this form, and RFC 8936 §2.6 takes it over. */
class Refusal extends Error {
  readonly status: number;
  readonly err: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, err: string, description: string, headers: Readonly<Record<string, string>> = {}) {
    super(description);
    this.status = status;
    this.err = err;
    this.headers = headers;
  }
}

type Handler = (ctx: ParameterizedContext, receiver: Receiver) => Promise<void>;
type Handlers = Readonly<Record<string, Handler>>;

/**
 * A transmitter of the OpenID Shared Signals Framework 1.0: resource servers hear at once that a token has ended of which they
 * keep what introspection said. Each authenticates with its own client's secret, and meets its own streams only.
 *
 * In front of the engine, at paths that are not the engine's.
 */
export function withSharedSignals(engine: Middleware, deps: SharedSignalsDeps): Middleware {
  const endpoints: Readonly<Record<string, Handlers>> = {
    [SSF_PATHS.streams]: streamHandlers(deps),
    [SSF_PATHS.status]: statusHandlers(deps),
    [SSF_PATHS.verify]: { POST: verify(deps) },
    [SSF_PATHS.poll]: { POST: poll(deps) },
  };
  return async (ctx, next) => {
    if (ctx.path === SSF_PATHS.metadata) {
      ctx.set('Access-Control-Allow-Origin', '*');
      ctx.body = configuration.transmitterMetadata(deps.issuer);
      return;
    }
    const handler = endpoints[ctx.path]?.[ctx.method === 'HEAD' ? 'GET' : ctx.method];
    if (handler === undefined) {
      return endpoints[ctx.path] === undefined ? engine(ctx, next) : undefined;
    }
    ctx.set('Cache-Control', 'no-store');
    try {
      await handler(ctx, await authenticate(ctx, deps));
    } catch (error) {
      refuse(ctx, error);
    }
  };
}

function streamHandlers({ issuer, streams }: SharedSignalsDeps): Handlers {
  const show = (ctx: ParameterizedContext, stream: EventStream | undefined, { audience }: Receiver) => {
    ctx.body = streamConfiguration(existing(stream), issuer, audience);
  };
  return {
    async POST(ctx, receiver) {
      const { description, events_requested: eventsRequested } = await bodyOf(ctx, configuration.NewStream);
      const stream = await streams.create(receiver.clientId, { description, eventsRequested });
      if (stream === undefined) {
        throw new Refusal(409, 'too_many_streams', 'this client has as many streams as it can have: delete some');
      }
      show(ctx, stream, receiver);
      ctx.status = 201;
    },
    async GET(ctx, receiver) {
      if (ctx.query.stream_id !== undefined) {
        return show(ctx, await streams.find(receiver.clientId, idIn(ctx)), receiver);
      }
      const own = await streams.list(receiver.clientId);
      ctx.body = own.map((stream) => streamConfiguration(stream, issuer, receiver.audience));
    },
    async PATCH(ctx, receiver) {
      const said = await bodyOf(ctx, configuration.ChangedStream);
      const settings = {
        ...('description' in said && { description: said.description }),
        ...('events_requested' in said && { eventsRequested: said.events_requested }),
      };
      show(ctx, await streams.update(receiver.clientId, said.stream_id, settings), receiver);
    },
    async PUT(ctx, receiver) {
      const { stream_id, description, events_requested } = await bodyOf(ctx, configuration.ChangedStream);
      const settings = { description, eventsRequested: events_requested };
      show(ctx, await streams.update(receiver.clientId, stream_id, settings), receiver);
    },
    async DELETE(ctx, { clientId }) {
      if (!(await streams.remove(clientId, idIn(ctx)))) {
        existing(undefined);
      }
      ctx.status = 204;
    },
  };
}

function statusHandlers({ streams }: SharedSignalsDeps): Handlers {
  return {
    async GET(ctx, { clientId }) {
      ctx.body = streamStatus(existing(await streams.find(clientId, idIn(ctx))));
    },
    async POST(ctx, { clientId }) {
      const { stream_id, status, reason } = await bodyOf(ctx, configuration.ChangedStatus);
      ctx.body = streamStatus(existing(await streams.update(clientId, stream_id, { status, reason })));
    },
  };
}

function verify({ streams, mayVerify }: SharedSignalsDeps): Handler {
  return async (ctx, { clientId }) => {
    const { stream_id, state } = await bodyOf(ctx, configuration.Verification);
    existing(await streams.find(clientId, stream_id));
    if (!(await mayVerify(stream_id))) {
      const retryAfter = { 'Retry-After': String(configuration.VERIFICATION_INTERVAL) };
      throw new Refusal(429, 'too_many_requests', 'the stream was verified just now', retryAfter);
    }
    await streams.verify(stream_id, state);
    ctx.status = 204;
  };
}

function poll({ poll }: SharedSignalsDeps): Handler {
  return async (ctx, receiver) => {
    const id = idIn(ctx);
    const answer = await poll(receiver, id, await bodyOf(ctx, PollRequest));
    ctx.body = answer ?? existing(undefined);
    ctx.type = 'application/json';
    // Or a proxy would hold back what shows that the stream lives, and the first events with it.
    ctx.set('X-Accel-Buffering', 'no');
  };
}

function existing(stream: EventStream | undefined): EventStream {
  if (stream === undefined) {
    throw new Refusal(404, 'not_found', 'there is no such stream: create one, and take it that events were missed');
  }
  return stream;
}

function idIn(ctx: ParameterizedContext): string {
  const { data } = configuration.StreamQuery.safeParse(ctx.query);
  return data?.stream_id ?? existing(undefined).id;
}

async function bodyOf<Schema extends z.ZodType>(ctx: ParameterizedContext, schema: Schema): Promise<z.infer<Schema>> {
  const { success, data, error } = schema.safeParse(await readJson(ctx));
  if (!success) {
    const { path, message } = error.issues[0] ?? { path: [], message: 'is none' };
    throw new Refusal(400, 'invalid_request', [path.join('.'), message].filter((one) => one !== '').join(': '));
  }
  return data;
}

/** RFC 6749 §2.3.1: both parts are form-encoded before base64. */
async function authenticate(ctx: ParameterizedContext, { clients, issuer }: SharedSignalsDeps): Promise<Receiver> {
  const [, credentials = ''] = /^Basic +([A-Za-z0-9+/]{1,4096}={0,2})$/i.exec(ctx.get('authorization')) ?? [];
  const [clientId = '', ...rest] = Buffer.from(credentials, 'base64').toString().split(':').map(formDecoded);
  const client = clientId === '' ? undefined : await clients.findClient(clientId);
  if (client?.secretHash === undefined || !verifySecret(rest.join(':'), client.secretHash)) {
    const challenge = { 'WWW-Authenticate': `Basic realm="${issuer}"` };
    throw new Refusal(401, 'authentication_failed', 'send the credentials of a client of this server', challenge);
  }
  if (client.resourceServer === undefined) {
    throw new Refusal(403, 'access_denied', 'this is not the client of a resource server');
  }
  return { clientId, audience: client.resourceServer };
}

function formDecoded(part: string): string {
  return new URLSearchParams(`=${part.replaceAll('&', '%26')}`).get('') ?? '';
}

function refuse(ctx: ParameterizedContext, error: unknown): void {
  const { status, err, headers, message } = asRefusal(error);
  if (status === 500) {
    ctx.app.emit('error', error, ctx);
  }
  ctx.set(headers);
  ctx.status = status;
  ctx.body = { err, description: message };
}

function asRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) {
    return error;
  }
  if (error instanceof CannotTell) {
    return new Refusal(503, 'temporarily_unavailable', error.message, { 'Retry-After': '1' });
  }
  if (error instanceof Error && 'error_description' in error && 'statusCode' in error && 'error' in error) {
    return new Refusal(Number(error.statusCode), String(error.error), String(error.error_description));
  }
  return new Refusal(500, 'server_error', 'something failed here');
}
