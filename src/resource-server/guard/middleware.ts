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
  /**
   * Nobody can call this. A framework that infers types from its middleware looks at the last overload alone (@koa/router 15, with
   * TypeScript 5.9 and 7.0), and would ask of the handlers behind that their context be Node's request as well.
   */
  (first: unknown, second: unknown, third: unknown, fourth: never): never;
}

/** What all four have in common: a request, a place for what is left, and a way to answer. */
interface Exchange {
  readonly request: IncomingMessage;
  readonly target?: string;
  readonly place: object;
  readonly write: (answer: Answer) => void;
}

/** `leave` puts what the decision left where the ones behind look for it: `ctx.state`, or the request. */
export function createMiddleware<Left>(
  decide: Decide<Left>,
  leave: (place: object, left: Left) => void = () => undefined,
): Middleware<Left> {
  const isLetPass = ({ answer, left }: Decision<Left>, { place, write }: Exchange): boolean => {
    if (answer !== undefined) {
      write(answer);
      return false;
    }
    leave(place, left);
    return true;
  };

  // Seen from inside, the four differ in their parameters alone.
  function middleware(...given: [unknown, unknown, unknown]): unknown {
    const [first, second, third] = given as [First, Second, Next | undefined];
    const exchange = exchangeOf(first, second);
    const decision = decide(exchange.request, exchange.target);
    const next = typeof second === 'function' ? second : third;
    if (next === undefined) {
      return settle(decision, exchange);
    }
    const act = (decided: Decision<Left>) => (isLetPass(decided, exchange) ? next() : undefined);
    if (!(decision instanceof Promise)) {
      return act(decision);
    }
    // Koa waits for the promise, and so hears of what is thrown.
    return next === second ? decision.then(act) : void decision.then(act).catch(third);
  }

  async function settle(decision: Decision<Left> | Promise<Decision<Left>>, exchange: Exchange): Promise<Left> {
    const decided = await decision;
    isLetPass(decided, exchange);
    return decided.left;
  }
  return middleware as Middleware<Left>;
}

type First = KoaContext & FastifyRequest & IncomingMessage;
type Second = Next | (ServerResponse & FastifyReply);
type Next = (error?: unknown) => unknown;

function exchangeOf(first: First, second: Second): Exchange {
  if (typeof second === 'function') {
    return { request: first.req, target: first.originalUrl, place: first.state, write: answerIn(first) };
  }
  // Other middleware may have left a `raw` of its own at Node's request.
  return first.rawHeaders !== undefined
    ? { request: first, place: first, write: writeTo(second) }
    : { request: first.raw, place: first, write: replyWith(second) };
}

type Write = Exchange['write'];

function answerIn(context: KoaContext): Write {
  return ({ status, headers, body }) => {
    context.status = status;
    context.set(headers);
    context.body = body;
  };
}

function writeTo(response: ServerResponse): Write {
  return ({ status, headers, body }) => {
    response.statusCode = status;
    for (const [name, value] of Object.entries(headers)) {
      response.setHeader(name, value);
    }
    response.end(body);
  };
}

function replyWith(reply: FastifyReply): Write {
  return ({ status, headers, body }) => {
    reply.code(status);
    reply.headers(headers);
    reply.send(body);
  };
}
