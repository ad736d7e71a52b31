import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface Question {
  readonly authorization: string | undefined;
  readonly parameters: URLSearchParams;
}

type Answer = (response: ServerResponse, request: IncomingMessage) => void;

/** Any authorization server, as far as a resource server can tell: it says whatever the test wants it to. */
export interface ScriptedIssuer {
  readonly issuer: string;
  /** Every introspection request so far. */
  readonly questions: Question[];
  /** What introspection says about a token from now on; it is inactive otherwise. */
  answer(token: string, answer: object | Answer): void;
  /** How it answers whatever it is asked, the metadata document included; `undefined` ends that. */
  answerEverything(answer: Answer | undefined): void;
  /** Replaces members of the metadata document. */
  describeAs(metadata: object): void;
  close(): Promise<void>;
}

export const json =
  (body: unknown, status = 200): Answer =>
  (response) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

export async function startScriptedIssuer(port = 0): Promise<ScriptedIssuer> {
  const answers = new Map<string, Answer>();
  const questions: Question[] = [];
  let everything: Answer | undefined;
  let description: object = {};

  const server = createServer(async (request, response) => {
    if (request.url === '/.well-known/oauth-authorization-server') {
      const metadata = { issuer, introspection_endpoint: `${issuer}/introspect`, ...description };
      return (everything ?? json(metadata))(response, request);
    }
    if (request.url?.startsWith('/.well-known/')) {
      return response.writeHead(404).end();
    }
    const parameters = new URLSearchParams(await text(request));
    questions.push({ authorization: request.headers.authorization, parameters });
    const scripted = answers.get(parameters.get('token') ?? '');
    (everything ?? scripted ?? json({ active: false }))(response, request);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    issuer,
    questions,
    answer: (token, answer) => answers.set(token, typeof answer === 'function' ? (answer as Answer) : json(answer)),
    answerEverything: (answer) => {
      everything = answer;
    },
    describeAs: (metadata) => {
      description = metadata;
    },
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
