import type { IncomingMessage, ServerResponse } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What is done with a request: it is answered, or it goes on, and `left` is for the ones behind. */
export interface Decision<Left> {
  readonly answer?: Answer;
  readonly left: Left;
}

/** `target` is what the request asked for as it came in, where that is not its `url` any more. */
type Decide<Left> = (request: IncomingMessage, target?: string) => Decision<Left> | Promise<Decision<Left>>;

/** As much of a Koa context, of a Fastify request and of a Fastify reply as is touched here. */
interface KoaContext {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly originalUrl: string;
  readonly state: object;
  status: number;
  body: unknown;
  set(headers: Record<string, string>): void;
}
interface FastifyRequest {
  readonly raw: IncomingMessage;
}
interface FastifyReply {
  readonly raw: ServerResponse;
  code(status: number): unknown;
  headers(values: Record<string, string>): unknown;
  send(body: string): unknown;
}

/** One value for four kinds of server, told apart by what they hand over. */
export interface Middleware<Left> {
  /** Koa */
  (context: KoaContext, next: () => Promise<unknown>): Promise<unknown>;
  /** Fastify, as a hook, or in one */
  (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void): void;
  (request: FastifyRequest, reply: FastifyReply): Promise<Left>;
  /** Express and Connect */
  (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void): void;
  /** `node:http`, and whoever has its request and response */
  (request: IncomingMessage, response: ServerResponse): Promise<Left>;
}

/** `leave` puts what the decision left where the ones behind look for it: `ctx.state`, or the request. */
export function createMiddleware<Left>(
  decide: Decide<Left>,
  leave: (place: object, left: Left) => void = () => undefined,
): Middleware<Left> {
  function inKoa(context: KoaContext, next: () => Promise<unknown>): Promise<unknown> {
    const act = ({ answer, left }: Decision<Left>) => {
      if (answer === undefined) {
        leave(context.state, left);
        return next();
      }
      context.status = answer.status;
      context.set(answer.headers);
      context.body = answer.body;
      return Promise.resolve();
    };
    const decision = decide(context.req, context.originalUrl);
    return decision instanceof Promise ? decision.then(act) : act(decision);
  }

  /** What goes on by a call, in Express and in Fastify alike. */
  function inTurn(
    request: IncomingMessage,
    place: object,
    write: (answer: Answer) => void,
    next: (error?: Error) => void,
  ): void {
    const act = ({ answer, left }: Decision<Left>) => {
      if (answer !== undefined) {
        return write(answer);
      }
      leave(place, left);
      next();
    };
    const decision = decide(request);
    if (decision instanceof Promise) {
      decision.then(act).catch(next);
    } else {
      act(decision);
    }
  }

  /** What is waited for, in `node:http` and in a hook of Fastify alike. */
  async function awaited(request: IncomingMessage, place: object, write: (answer: Answer) => void): Promise<Left> {
    const { answer, left } = await decide(request);
    if (answer === undefined) {
      leave(place, left);
    } else {
      write(answer);
    }
    return left;
  }

  // Seen from inside, the four differ in their parameters alone.
  function middleware(...given: [unknown, unknown, unknown]): unknown {
    const [first, second, third] = given as [KoaContext & FastifyRequest & IncomingMessage, never, never];
    if (typeof second === 'function') {
      return inKoa(first, second);
    }
    const { raw = first } = first;
    const write = raw === first ? writeTo(second) : replyWith(second);
    return third === undefined ? awaited(raw, first, write) : inTurn(raw, first, write, third);
  }
  return middleware as Middleware<Left>;
}

function writeTo(response: ServerResponse): (answer: Answer) => void {
  return ({ status, headers, body }) => {
    response.statusCode = status;
    for (const [name, value] of Object.entries(headers)) {
      response.setHeader(name, value);
    }
    response.end(body);
  };
}

function replyWith(reply: FastifyReply): (answer: Answer) => void {
  return ({ status, headers, body }) => {
    reply.code(status);
    reply.headers(headers);
    reply.send(body);
  };
}
