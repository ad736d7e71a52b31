import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { type Answer, encode, type Parameters } from './relying-party.ts';

interface PendingPost {
  /** Resolves when the server has the head of the request and is at work on it. */
  readonly arrived: Promise<unknown>;
  finish(): Promise<Answer>;
}

/**
 * Posts a form to each address, all of them really at the same moment: no body is sent before every one of the requests
 * has arrived (RFC 9110 §10.1.1, `Expect: 100-continue`). So none can be answered before the last has come.
 */
export async function postAtOnce(urls: readonly string[], form: Parameters, headers: Record<string, string> = {}) {
  const posts = urls.map((url) => beginPost(url, encode(form).toString(), headers));
  await Promise.all(posts.map(({ arrived }) => arrived));
  return Promise.all(posts.map((post) => post.finish()));
}

function beginPost(url: string, body: string, headers: Record<string, string>): PendingPost {
  const post = request(url, {
    method: 'POST',
    agent: false,
    headers: {
      ...headers,
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': Buffer.byteLength(body),
      expect: '100-continue',
    },
  });
  post.flushHeaders();
  return {
    arrived: once(post, 'continue'),
    async finish() {
      const responded = once(post, 'response');
      post.end(body);
      const [response] = (await responded) as [IncomingMessage];
      const answer = await text(response);
      return {
        status: response.statusCode ?? 0,
        headers: new Headers(response.headers as Record<string, string>),
        text: answer,
        body: JSON.parse(answer),
      };
    },
  };
}
