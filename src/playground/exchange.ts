import type { FetchBody } from 'openid-client';

/** One HTTP request with its response, as text that a person reads. Tokens are shown as they are: this is a demo. */
export interface Exchange {
  readonly from: 'browser' | 'client';
  readonly method: string;
  /** Origin and path; the query is in the text of the request. */
  readonly target: string;
  readonly request: string;
  /** `undefined` where the response belongs to the browser alone. */
  readonly response?: string;
  readonly status?: number;
  /** The body of the response by itself. */
  readonly body?: string;
  /** Where the response sends a browser on to. */
  readonly location?: string;
  /** The same request in parts, to explain it and to write it as a command. */
  readonly parts: { readonly url: string; readonly headers: Readonly<Record<string, string>>; readonly body: string };
}

/** The part of fetch's options that openid-client and the API calls use. */
export interface RequestOptions {
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body?: FetchBody;
  readonly redirect?: 'manual';
  readonly signal?: AbortSignal;
}

export type Send = (url: string, options: RequestOptions) => Promise<Response>;

export interface Recorder {
  readonly record: (exchange: Exchange) => void;
  /** Puts a placeholder where a secret is. */
  readonly conceal: (text: string) => string;
}

const LONGEST_BODY = 10_000;

/** Passes requests on and records each, with its answer or the lack of one. */
export function recordingFetch({ record, conceal }: Recorder, send: Send): Send {
  return async (url, options) => {
    const sent = describeRequest('client', new URL(url), concealed(options, conceal));
    try {
      const response = await send(url, options);
      const body = renderBody(conceal(await response.clone().text()));
      const location = response.headers.get('location');
      record({
        ...sent,
        status: response.status,
        response: renderResponse(response, body),
        body,
        ...(location && { location: URL.parse(location, url)?.href ?? location }),
      });
      return response;
    } catch (error) {
      record({ ...sent, response: 'No answer.' });
      throw error;
    }
  };
}

function concealed(options: RequestOptions, conceal: Recorder['conceal']): RequestOptions {
  const headers = Object.entries(options.headers).map(([name, value]) => [name, concealBasic(conceal(value), conceal)]);
  const body = options.body == null ? {} : { body: conceal(String(options.body)) };
  return { ...options, headers: Object.fromEntries(headers), ...body };
}

/** RFC 6749 §2.3.1: the secret is in there, encoded twice. Where it must not be seen, the pair is shown as it was. */
function concealBasic(value: string, conceal: Recorder['conceal']): string {
  const pair = credentialsIn(value);
  return pair !== undefined && conceal(pair) !== pair ? `Basic ${conceal(pair)}` : value;
}

/** `id:secret` of an `Authorization: Basic` header. */
export function credentialsIn(value: string): string | undefined {
  const encoded = /^Basic ([\w+/]+=*)$/.exec(value)?.[1];
  return encoded === undefined ? undefined : atob(encoded).split(':').map(decodeForm).join(':');
}

const decodeForm = (text: string) => decodeURIComponent(text.replaceAll('+', ' '));

export const PLACEHOLDER = '$CLIENT_SECRET';

/** Replaces each secret, as it is and as a form encodes it. */
export function concealing(secrets: readonly string[]): Recorder['conceal'] {
  const hidden = secrets.flatMap((secret) => [secret, new URLSearchParams([['', secret]]).toString().slice(1)]);
  return (text) => hidden.reduce((shown, secret) => shown.replaceAll(secret, PLACEHOLDER), text);
}

/** A step that the browser takes by navigating: there is a request to show, and no response that we could see. */
export const browserStep = (url: URL): Exchange => describeRequest('browser', url, { method: 'GET', headers: {} });

function describeRequest(from: Exchange['from'], url: URL, options: RequestOptions): Exchange {
  return {
    from,
    method: options.method.toUpperCase(),
    target: `${url.origin}${url.pathname}`,
    request: renderRequest(url, options),
    parts: { url: url.href, headers: options.headers, body: String(options.body ?? '') },
  };
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
