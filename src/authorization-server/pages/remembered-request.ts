import type { Middleware } from 'koa';
import { errors } from 'oidc-provider';
import { readFields } from './form.ts';
import { PageError } from './page-error.ts';

/** AES-GCM under a key of this server: what was sealed here opens here, and nothing else does. */
export interface RequestSeal {
  seal(text: string): string;
  open(sealed: string): string | undefined;
}

/** An authorization request under way, as the engine keeps it. */
export interface RequestUnderWay {
  readonly params: Readonly<Record<string, unknown>>;
  /** The parameters that came in a request object, or were pushed. */
  readonly trusted?: readonly string[] | undefined;
  /** The id of the pushed request. */
  readonly parJti?: string | undefined;
}

/** Begins a request anew that did not come as a query; `undefined` when it has been answered. */
export type PushAgain = (request: {
  readonly params: Readonly<Record<string, unknown>>;
  readonly pushedAs?: string | undefined;
}) => Promise<URLSearchParams | undefined>;

export interface RememberedRequestsDeps {
  readonly seal: RequestSeal;
  readonly pushAgain: PushAgain;
  readonly now?: (() => number) | undefined;
}

export interface RememberedRequests {
  /** For a hidden field of a form; empty when the request is too long to be carried along. */
  write(request: RequestUnderWay): string;
  /** Starts the remembered request again where the step that a form answers is no longer pending. */
  readonly restart: Middleware;
}

/** A form may have 16 KiB, and a request line too. */
const LONGEST = 8_000;
const VALID_MS = 60 * 60 * 1000;

interface Copy {
  /** Of a request that came as a query. */
  readonly query?: string;
  /** Of any other. */
  readonly request?: Parameters<PushAgain>[0];
  readonly at: number;
}

/**
 * The forms of a pending step carry a sealed copy of the authorization request they belong to. A step that is not pending
 * any more (a double click, whose first half was enough; an old tab; a lost cookie) is then no dead end: the same request
 * begins anew, with everything checked as for any other, and whoever is signed in by now goes straight on. One that was
 * pushed (RFC 9126) does so until it has been answered.
 */
export function createRememberedRequests({
  seal,
  pushAgain,
  now = Date.now,
}: RememberedRequestsDeps): RememberedRequests {
  async function read(sealed: string | undefined): Promise<URLSearchParams | undefined> {
    const opened = sealed === undefined || sealed === '' ? undefined : seal.open(sealed);
    if (opened === undefined) {
      return undefined;
    }
    const { query, request, at }: Copy = JSON.parse(opened);
    if (now() - at >= VALID_MS) {
      return undefined;
    }
    return request === undefined ? new URLSearchParams(query) : pushAgain(request);
  }

  return {
    write({ params, trusted = [], parJti }) {
      const sent = asSent(params);
      const copy: Copy =
        trusted.length > 0 || parJti !== undefined
          ? { request: { params: sent, pushedAs: parJti }, at: now() }
          : { query: queryOf(sent).toString(), at: now() };
      const text = JSON.stringify(copy);
      return text.length > LONGEST ? '' : seal.seal(text);
    },

    async restart(ctx, next) {
      try {
        await next();
      } catch (error) {
        const request = isLost(error) ? await read((await readFields(ctx)).request) : undefined;
        if (request === undefined) {
          throw error;
        }
        ctx.status = 303;
        ctx.set('Cache-Control', 'no-store');
        ctx.redirect(`${ctx.mountPath}/auth?${request}`);
      }
    },
  };
}

function isLost(error: unknown): boolean {
  return error instanceof errors.SessionNotFound || (error instanceof PageError && error.code === 'sign_in_lost');
}

/** `client_scope` is the server's own note (provider/requested-scope.ts). */
function asSent(params: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(params).filter(([name]) => name !== 'client_scope'));
}

function queryOf(params: Readonly<Record<string, unknown>>): URLSearchParams {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    for (const one of [value].flat()) {
      query.append(name, String(one));
    }
  }
  return query;
}
