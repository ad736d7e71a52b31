import { createHash, randomBytes } from 'node:crypto';
import { type BenchClient, PASSWORD, REDIRECT_URI } from '../directory.ts';
import type { Answer, Connection } from './connection.ts';
import { expectStatus, get, jsonOf, postForm } from './requests.ts';

export interface TokenSet {
  readonly access_token: string;
  readonly refresh_token: string;
}

export interface AuthorizationRequest {
  readonly client: BenchClient;
  readonly scope: string;
  readonly prompt?: string;
}

const CODE_VERIFIER = randomBytes(32).toString('base64url');
const CODE_CHALLENGE = createHash('sha256').update(CODE_VERIFIER).digest('base64url');
const MOST_STEPS = 12;

/** A person at a browser: cookies, redirects and the two forms. Its connection may be lent by whoever drives it. */
export class Browser {
  readonly #cookies = new Map<string, { readonly path: string; readonly pair: string }>();
  readonly #email: string;
  readonly #light: boolean;

  constructor(email: string, { light = false } = {}) {
    this.#email = email;
    this.#light = light;
  }

  /** From the authorization request, over sign-in and consent where they are asked for, to the code. */
  async authorize(connection: Connection, request: AuthorizationRequest): Promise<string> {
    let answer = await this.#get(connection, authorizationPath(request));
    for (let step = 0; step < MOST_STEPS; step += 1) {
      const location = this.#follow(answer);
      if (location?.startsWith(REDIRECT_URI)) {
        return codeIn(location);
      }
      answer =
        location === undefined
          ? await this.#submit(connection, expectStatus(answer, 200).body.toString())
          : await this.#get(connection, pathOf(location));
    }
    throw new Error(`no answer after ${MOST_STEPS} steps`);
  }

  /** Stops at the sign-in page, and returns the request that shows it. */
  async openSignIn(connection: Connection, request: AuthorizationRequest): Promise<string> {
    const location = this.#follow(await this.#get(connection, authorizationPath(request)));
    const path = pathOf(location ?? '');
    this.#follow(expectStatus(await this.#get(connection, path), 200));
    return this.#getRequest(path);
  }

  async #get(connection: Connection, path: string): Promise<Answer> {
    return connection.exchange(this.#getRequest(path));
  }

  #getRequest(path: string): string {
    return get(path, { Accept: 'text/html', Cookie: this.#cookiesFor(path) });
  }

  async #submit(connection: Connection, html: string): Promise<Answer> {
    const [form = '', action] = /<form[^>]* action="([^"]*\/(?:sign-in|consent))".*?<\/form>/s.exec(html) ?? [];
    if (action === undefined) {
      throw new Error(`neither sign-in nor consent: ${html.slice(0, 500)}`);
    }
    const hidden = form.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g);
    // What consent proposes, and a browser sends unless somebody changes it.
    const ticked = form.matchAll(
      /<input type="(?:checkbox|radio)" name="([^"]*)"(?: value="([^"]*)")? checked *(?:required)?>/g,
    );
    const fields = new URLSearchParams([
      ...[...hidden].map(([, name = '', value = '']) => [name, value]),
      ...[...ticked].map(([, name = '', value = 'on']) => [name, value]),
    ]);
    if (action.endsWith('/sign-in')) {
      fields.set('email', this.#email);
      fields.set('password', PASSWORD);
      if (this.#light) {
        fields.set('light', 'yes');
      }
    }
    const body = fields.toString();
    const path = pathOf(action);
    return connection.exchange(
      `POST ${path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\nCookie: ${this.#cookiesFor(path)}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
  }

  /** Keeps the cookies; where the answer redirects to. */
  #follow({ head }: Answer): string | undefined {
    for (const [, line = ''] of head.matchAll(/\r\nset-cookie: ([^\r]*)/gi)) {
      const [pair = '', ...attributes] = line.split(/; */);
      const path = attributes.find((one) => /^path=/i.test(one))?.slice(5) ?? '/';
      const key = `${path} ${pair.split('=')[0]}`;
      if (/expires=Thu, 01 Jan 1970/i.test(line)) {
        this.#cookies.delete(key);
      } else {
        this.#cookies.set(key, { path, pair });
      }
    }
    return /\r\nlocation: ([^\r]*)/i.exec(head)?.[1];
  }

  #cookiesFor(path: string): string {
    const { pathname } = new URL(path, 'http://localhost');
    const matching = [...this.#cookies.values()].filter(
      (cookie) => pathname === cookie.path || pathname.startsWith(cookie.path.replace(/\/?$/, '/')),
    );
    // RFC 6265 §5.4: the longest path first.
    matching.sort((one, other) => other.path.length - one.path.length);
    return matching.map(({ pair }) => pair).join('; ');
  }
}

export function exchangeRequest(client: BenchClient, code: string): string {
  return postForm(
    '/token',
    { grant_type: 'authorization_code', code, redirect_uri: REDIRECT_URI, code_verifier: CODE_VERIFIER },
    client,
  );
}

export async function exchangeCode(connection: Connection, client: BenchClient, code: string): Promise<TokenSet> {
  return jsonOf(expectStatus(await connection.exchange(exchangeRequest(client, code)), 200));
}

function authorizationPath({ client, scope, prompt }: AuthorizationRequest): string {
  const parameters = new URLSearchParams({
    client_id: client.clientId,
    response_type: 'code',
    redirect_uri: REDIRECT_URI,
    scope,
    state: 'a-state-of-the-client',
    code_challenge: CODE_CHALLENGE,
    code_challenge_method: 'S256',
    ...(prompt === undefined ? {} : { prompt }),
  });
  return `/auth?${parameters}`;
}

function codeIn(location: string): string {
  const { searchParams } = new URL(location);
  const code = searchParams.get('code');
  if (code === null) {
    throw new Error(`the authorization was refused: ${searchParams}`);
  }
  return code;
}

function pathOf(location: string): string {
  const { pathname, search } = new URL(location, 'http://localhost');
  return pathname + search;
}
