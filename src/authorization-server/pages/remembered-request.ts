import { withLogin } from '../flows/pushed-authorization-request/push-again.ts';

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
  /** The answer goes to a device that waits. */
  readonly deviceCode?: string | undefined;
  /** Who is signed in. */
  readonly session?: { readonly accountId?: string | undefined } | undefined;
}

/** Begins a request anew that did not come as a query; `undefined` when it has been answered. */
export type PushAgain = (request: {
  readonly params: Readonly<Record<string, unknown>>;
  readonly pushedAs?: string | undefined;
  /** Whoever is signed in has to sign in. */
  readonly asksToSignIn?: boolean | undefined;
}) => Promise<URLSearchParams | undefined>;

export interface RememberedRequestsDeps {
  readonly seal: RequestSeal;
  readonly pushAgain: PushAgain;
  readonly now?: (() => number) | undefined;
}

/** What goes along with a request when it begins again. */
export interface Attempt {
  /** What was typed. */
  readonly email?: string | undefined;
  /** How often it has begun again, the one right after the other. */
  readonly restarts?: number | undefined;
}

/** A copy of an authorization request, taken when one of its pages was shown. */
export interface RememberedRequest extends Attempt {
  readonly clientId: string;
  /** Whom the page was shown to, if anybody was signed in. */
  readonly accountId?: string | undefined;
  readonly isForDevice: boolean;
  /** Whoever it was said no. */
  readonly cancelled: boolean;
  /** Of a page so long ago that nobody at the client waits for an answer any more. */
  readonly expired: boolean;
}

export interface Circumstances {
  /** What `begin` had put into the query of the request. */
  readonly again?: unknown;
  /** Who has just signed in. */
  readonly accountId?: string | undefined;
  readonly cancelled?: boolean | undefined;
}

export interface RememberedRequests {
  /** For a hidden field; empty when the request is too long to be carried along. */
  write(request: RequestUnderWay): string;
  /** The same as the query of an address, which has less room: `?request=...`, or nothing. */
  toAddress(request: RequestUnderWay, about?: Circumstances): string;
  /** `undefined` for what this server has not written. */
  read(sealed: unknown): RememberedRequest | undefined;
  /** The same request, for whoever is or wants to be signed in. */
  rewrite(sealed: string, how: { readonly asksToSignIn: boolean; readonly email?: string | undefined }): string;
  /** The query of the same request, begun anew; `undefined` when it was pushed and has been answered. */
  begin(sealed: string, attempt: Attempt): Promise<URLSearchParams | undefined>;
}

const LONGEST = 8_000;
/** Proxies put up with headers of 4 KiB, the rest of an answer's included. */
const LONGEST_IN_ADDRESS = 2_000;
const VALID_MS = 24 * 60 * 60 * 1000;
/** Longer ago than this a restart has nothing to do with the one before. */
const CHAIN_MS = 60_000;

/** The parameter of an authorization request that begins again: nobody else's, and the engine passes it over. */
export const AGAIN = 'again';

/** What is sealed; short, because it stands in addresses. */
interface Copy {
  readonly clientId: string;
  /** Of a request that came as a query. */
  readonly query?: string;
  /** Of any other. */
  readonly request?: Parameters<PushAgain>[0];
  readonly device?: true;
  readonly cancelled?: boolean | undefined;
  readonly accountId?: string | undefined;
  readonly asksToSignIn?: boolean;
  readonly attempt?: Attempt | undefined;
  readonly at: number;
}

/**
 * Every page of a sign-in carries a sealed copy of the authorization request it belongs to: in its address, so that a
 * bookmark, the Back button and a browser without cookies have it, and in its forms. Where the step is not pending any more,
 * heal-sign-in.ts begins the same request anew, with everything checked as for any other. One that was pushed (RFC 9126) does
 * so until it has been answered.
 */
export function createRememberedRequests({
  seal,
  pushAgain,
  now = Date.now,
}: RememberedRequestsDeps): RememberedRequests {
  const sealed = (content: object) => seal.seal(JSON.stringify(content));
  function opened(text: unknown): Partial<Copy> | undefined {
    const content = typeof text === 'string' && text !== '' ? seal.open(text) : undefined;
    return content === undefined ? undefined : JSON.parse(content);
  }
  function copyIn(text: unknown): Copy | undefined {
    const copy = opened(text);
    return copy?.clientId === undefined ? undefined : (copy as Copy);
  }
  const isRecent = ({ at = 0 }: Partial<Copy>) => now() - at < CHAIN_MS;

  function write(request: RequestUnderWay, about: Omit<Circumstances, 'again'> & { attempt?: Attempt | undefined }) {
    const copy: Copy = { ...contentOf(request), accountId: request.session?.accountId, ...about, at: now() };
    return JSON.stringify(copy).length > LONGEST ? '' : sealed(copy);
  }

  return {
    write: (request) => write(request, {}),

    toAddress(request, { again, ...about } = {}) {
      const chain = opened(again);
      const attempt = chain !== undefined && isRecent(chain) ? chain.attempt : undefined;
      const text = write(request, { ...about, attempt });
      return text === '' || text.length > LONGEST_IN_ADDRESS ? '' : `?request=${text}`;
    },

    read(text) {
      const copy = copyIn(text);
      if (copy === undefined) {
        return undefined;
      }
      const { clientId, accountId, device = false, cancelled = false, attempt = {}, at } = copy;
      const restarts = isRecent(copy) ? attempt.restarts : 0;
      const expired = now() - at >= VALID_MS;
      return { ...attempt, restarts, clientId, accountId, isForDevice: device, cancelled, expired };
    },

    rewrite(text, { asksToSignIn, email }) {
      const { accountId: _shownTo, cancelled: _saidNo, ...copy } = copyIn(text) ?? {};
      return sealed({ ...copy, asksToSignIn, attempt: { email } });
    },

    async begin(text, attempt) {
      const { query, request, asksToSignIn = false } = copyIn(text) ?? {};
      const begun = request === undefined ? new URLSearchParams(query) : await pushAgain({ ...request, asksToSignIn });
      if (begun !== undefined && request === undefined && asksToSignIn) {
        begun.set('prompt', withLogin(begun.get('prompt')));
      }
      begun?.set(AGAIN, sealed({ attempt, at: now() }));
      return begun;
    },
  };
}

/** What a device's request was is known to the device alone: with another code it comes again. */
function contentOf({ params, trusted = [], parJti, deviceCode }: RequestUnderWay): Omit<Copy, 'at'> {
  const clientId = String(params.client_id);
  if (deviceCode !== undefined) {
    return { clientId, device: true };
  }
  const sent = asSent(params);
  return trusted.length > 0 || parJti !== undefined
    ? { clientId, request: { params: sent, pushedAs: parJti } }
    : { clientId, query: queryOf(sent).toString() };
}

/**
 * `client_scope` is the server's own note (provider/requested-scope.ts) of what the client had asked for. Of that `scope` is what
 * the roles of this account permit, and another one may go on.
 */
function asSent({ client_scope: scope, ...params }: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return scope === undefined ? params : { ...params, scope };
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
