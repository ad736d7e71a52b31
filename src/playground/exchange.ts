import type { FetchBody } from 'openid-client';

/** One HTTP request with its response, as text that a person reads. Tokens are shown as they are: this is a demo. */
export interface Exchange {
  readonly from: string;
  readonly method: string;
  /** Origin and path; the query is in the text of the request. */
  readonly target: string;
  readonly request: string;
  /** `undefined` where the response belongs to the browser alone. */
  readonly response?: string;
  readonly status?: number;
  /** The body of the response by itself. */
  readonly body?: string;
}

/** The part of fetch's options that openid-client and the API calls use. */
interface RequestOptions {
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body?: FetchBody;
  readonly redirect?: 'manual';
  readonly signal?: AbortSignal;
}

export type Send = (url: string, options: RequestOptions) => Promise<Response>;

const LONGEST_BODY = 20_000;

/** Passes requests on and adds each, with its answer or the lack of one, to `exchanges`. */
export function recordingFetch(
  exchanges: Exchange[],
  send: Send = (url, options) => fetch(url, options as RequestInit),
): Send {
  return async (url, options) => {
    const sent = describeRequest('Playground server', new URL(url), options);
    try {
      const response = await send(url, options);
      const body = renderBody(await response.clone().text());
      exchanges.push({ ...sent, status: response.status, response: renderResponse(response, body), body });
      return response;
    } catch (error) {
      exchanges.push({ ...sent, response: 'No answer.' });
      throw error;
    }
  };
}

/** A step that the browser takes by navigating: there is a request to show, and no response that we could see. */
export const browserStep = (url: URL): Exchange => describeRequest('Browser', url, { method: 'GET', headers: {} });

function describeRequest(from: string, url: URL, options: RequestOptions): Exchange {
  const method = options.method.toUpperCase();
  return { from, method, target: `${url.origin}${url.pathname}`, request: renderRequest(url, options) };
}

/** Parameters go on lines of their own: a query of nine parameters on one line is not readable. */
export function renderRequest(url: URL, options: RequestOptions): string {
  const query = url.search ? `\n  ?${url.search.slice(1).replaceAll('&', '\n  &')}\n ` : '';
  const headers = Object.entries(options.headers).map(([name, value]) => `${name}: ${value}`);
  const head = [`${options.method.toUpperCase()} ${url.pathname}${query} HTTP/1.1`, `host: ${url.host}`, ...headers];
  return options.body ? `${head.join('\n')}\n\n${renderBody(String(options.body))}` : head.join('\n');
}

/** `body` is rendered already. */
export function renderResponse(response: Pick<Response, 'status' | 'statusText' | 'headers'>, body: string): string {
  const headers = [...response.headers].map(([name, value]) => `${name}: ${value}`);
  const head = [`HTTP/1.1 ${response.status} ${response.statusText}`.trimEnd(), ...headers].join('\n');
  return body ? `${head}\n\n${body}` : head;
}

/** JSON is indented, a form gets a line per parameter, anything else stays as it came. */
export function renderBody(body: string): string {
  const cut = body.length > LONGEST_BODY ? `${body.slice(0, LONGEST_BODY)}\n… cut here` : body;
  try {
    return JSON.stringify(JSON.parse(cut), null, 2);
  } catch {
    return /^[\w.-]+=\S*$/.test(cut) ? cut.replaceAll('&', '\n&') : cut;
  }
}
