import type { Middleware } from 'koa';
import { errors } from 'oidc-provider';
import { readFields } from './form.ts';
import { PageError } from './page-error.ts';

/** AES-GCM under a key of this server: what was sealed here opens here, and nothing else does. */
export interface RequestSeal {
  seal(text: string): string;
  open(sealed: string): string | undefined;
}

export interface RememberedRequests {
  /** For a hidden field of a form; empty when the request is too long to be carried along. */
  write(params: Readonly<Record<string, unknown>>): string;
  /** Starts the remembered request again where the step that a form answers is no longer pending. */
  readonly restart: Middleware;
}

/** A form may have 16 KiB, and a request line too. */
const LONGEST = 8_000;
const VALID_MS = 60 * 60 * 1000;

/**
 * The forms of a pending step carry a sealed copy of the authorization request they belong to. A step that is not pending
 * any more (a double click, whose first half was enough; an old tab; a lost cookie) is then no dead end: the same request
 * begins anew, with everything checked as for any other, and whoever is signed in by now goes straight on.
 */
export function createRememberedRequests(seal: RequestSeal, now: () => number = Date.now): RememberedRequests {
  function read(sealed: string | undefined): URLSearchParams | undefined {
    const opened = sealed === undefined || sealed === '' ? undefined : seal.open(sealed);
    if (opened === undefined) {
      return undefined;
    }
    const { query, at }: { query: string; at: number } = JSON.parse(opened);
    return now() - at < VALID_MS ? new URLSearchParams(query) : undefined;
  }

  return {
    write(params) {
      const query = queryOf(params).toString();
      return query.length > LONGEST ? '' : seal.seal(JSON.stringify({ query, at: now() }));
    },

    async restart(ctx, next) {
      try {
        await next();
      } catch (error) {
        const request = isLost(error) ? read((await readFields(ctx)).request) : undefined;
        if (request === undefined) {
          throw error;
        }
        ctx.status = 303;
        ctx.set('Cache-Control', 'no-store');
        ctx.redirect(`/auth?${request}`);
      }
    },
  };
}

function isLost(error: unknown): boolean {
  return error instanceof errors.SessionNotFound || (error instanceof PageError && error.code === 'sign_in_lost');
}

/** As the client sent it; `client_scope` is the server's own note (provider/requested-scope.ts). */
function queryOf(params: Readonly<Record<string, unknown>>): URLSearchParams {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (name !== 'client_scope') {
      for (const one of [value].flat()) {
        query.append(name, String(one));
      }
    }
  }
  return query;
}
