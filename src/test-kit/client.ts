import { setTimeout as pause } from 'node:timers/promises';
import type {
  Announcement,
  AuditEvent,
  AuditQuery,
  ClockChange,
  CreatedAccount,
  IssuedTokens,
  Mail,
  NewAccount,
  NewClient,
  Revocation,
  SessionCookie,
  SessionRequest,
  SigningKeys,
  TestAccount,
  TestClient,
  TokenRequest,
} from './protocol.ts';

/** A refusal of the control API. */
export class TestServerError extends Error {
  override readonly name = 'TestServerError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Drives a test server that runs already. */
export interface TestServerClient extends Announcement {
  /** `url('/auth')`: a path of the issuer as an address. */
  url(path: string): string;
  readonly accounts: {
    /** Everything is made up that is not told. */
    create(account?: NewAccount): Promise<CreatedAccount>;
    list(): Promise<TestAccount[]>;
    /** By id or email; `undefined` when there is none. */
    find(account: string): Promise<TestAccount | undefined>;
    /** As an operator does: its sessions, grants and tokens end. */
    disable(account: string): Promise<void>;
    enable(account: string): Promise<void>;
    delete(account: string): Promise<void>;
  };
  readonly clients: {
    /** A confidential client of the authorization code flow with a secret, unless told otherwise. */
    create(metadata?: NewClient): Promise<TestClient>;
    list(): Promise<TestClient[]>;
    delete(clientId: string): Promise<void>;
  };
  /** Resource servers, roles, clients and accounts in the words of a directory file, as YAML or as an object. */
  applyDirectory(document: string | object): Promise<void>;
  /** Real tokens, without a flow. An ID token with scope `openid`; a refresh token when the client may have one. */
  issueToken(request: TokenRequest): Promise<IssuedTokens>;
  /** Cookies of a browser in which the account is signed in. */
  signedInCookies(account: string, options?: Omit<SessionRequest, 'account'>): Promise<SessionCookie[]>;
  readonly clock: {
    now(): Promise<Date>;
    /** Moves the server's time, and that of its database, forward. */
    advance(by: {
      readonly seconds?: number;
      readonly minutes?: number;
      readonly hours?: number;
      readonly days?: number;
    }): Promise<Date>;
    /** To a moment that is not before the server's present. */
    set(to: Date): Promise<Date>;
    /** Back to the time of the machine. */
    reset(): Promise<Date>;
  };
  /** See `Revocation`: a token, a grant, the sessions of an account, everything of an account or of a client. */
  revoke(what: Revocation): Promise<void>;
  /** Makes one token expire now, whatever its lifetime; time stays. Not for JWTs, which say themselves when. */
  expire(token: string): Promise<void>;
  readonly mailbox: {
    /** The newest first. */
    list(to?: string): Promise<Mail[]>;
    /** The newest to this address; waits a moment for it, since mail is written after the answer. */
    last(to: string, options?: { readonly subject?: string | RegExp; readonly timeout?: number }): Promise<Mail>;
    clear(): Promise<void>;
  };
  /** New keys sign from the next answer on; what was signed before still verifies. */
  rotateSigningKeys(): Promise<SigningKeys>;
  /** Oldest first. */
  auditEvents(query?: AuditQuery): Promise<AuditEvent[]>;
  /** Back to the state after the start: directory, sessions, tokens, mail, keys, time. */
  reset(): Promise<void>;
}

const LONGEST_WAIT_MS = 5_000;
const BETWEEN_LOOKS_MS = 25;

/** A client for the test server that has printed this. */
export function connectTestServer(announcement: Announcement): TestServerClient {
  const call = createCall(announcement);
  return {
    ...announcement,
    url: (path) => announcement.issuer + path,
    accounts: {
      create: (account = {}) => call('POST', '/accounts', account),
      list: () => call('GET', '/accounts'),
      find: (account) =>
        call<TestAccount | null>('GET', `/accounts/${encoded(account)}`).then((found) => found ?? undefined),
      disable: (account) => call('POST', `/accounts/${encoded(account)}/disable`),
      enable: (account) => call('POST', `/accounts/${encoded(account)}/enable`),
      delete: (account) => call('DELETE', `/accounts/${encoded(account)}`),
    },
    clients: {
      create: (metadata = {}) => call('POST', '/clients', metadata),
      list: () => call('GET', '/clients'),
      delete: (clientId) => call('DELETE', `/clients/${encoded(clientId)}`),
    },
    applyDirectory: (document) => call('POST', '/directory', { document }),
    issueToken: (request) => call('POST', '/tokens', request),
    signedInCookies: (account, options) => call('POST', '/sessions', { ...options, account }),
    clock: clockOf(call),
    revoke: (what) => call('POST', '/revocations', what),
    expire: (token) => call('POST', '/expiries', { token }),
    mailbox: {
      list: (to) => listMail(call, to),
      last: (to, options) => lastMail(call, to, options),
      clear: () => call('DELETE', '/mail'),
    },
    rotateSigningKeys: () => call('POST', '/signing-keys'),
    auditEvents: (query = {}) => call('GET', `/audit-events?${new URLSearchParams({ ...query })}`),
    reset: () => call('POST', '/reset'),
  };
}

type Call = <Answer = void>(method: string, path: string, body?: object) => Promise<Answer>;

function createCall({ controlUrl, secret }: Announcement): Call {
  return async <Answer>(method: string, path: string, body?: object) => {
    const response = await fetch(controlUrl + path, {
      method,
      headers: {
        authorization: `Bearer ${secret}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }).catch((cause: Error) => {
      throw new Error(`the test server at ${controlUrl} does not answer: it has ended, or is out of reach`, { cause });
    });
    const answer = response.status === 204 ? undefined : await response.json();
    if (!response.ok) {
      throw new TestServerError(response.status, answer.error);
    }
    return answer as Answer;
  };
}

function clockOf(call: Call): TestServerClient['clock'] {
  const time = (answer: Promise<{ now: string }>) => answer.then(({ now }) => new Date(now));
  const change = (body: ClockChange) => time(call('POST', '/clock', body));
  return {
    now: () => time(call('GET', '/clock')),
    advance: async (by) => change({ advance: secondsIn(by) }),
    set: (to) => change({ set: to.toISOString() }),
    reset: () => time(call('DELETE', '/clock')),
  };
}

const SECONDS = { seconds: 1, minutes: 60, hours: 3_600, days: 86_400 } as const;

/** Test runners strip types and look at none: `{ hour: 1 }` must not leave the clock where it is. */
function secondsIn(by: Partial<Record<keyof typeof SECONDS, number>>): number {
  const unknown = Object.keys(by).filter((unit) => !Object.hasOwn(SECONDS, unit));
  if (unknown.length > 0) {
    throw new TypeError(`the clock moves by ${Object.keys(SECONDS).join(', ')}, and not by ${unknown.join(', ')}`);
  }
  return Object.entries(SECONDS).reduce((sum, [unit, each]) => sum + each * (by[unit as keyof typeof SECONDS] ?? 0), 0);
}

function listMail(call: Call, to?: string): Promise<Mail[]> {
  return call('GET', to === undefined ? '/mail' : `/mail?${new URLSearchParams({ to })}`);
}

async function lastMail(
  call: Call,
  to: string,
  { subject = '', timeout = LONGEST_WAIT_MS }: { readonly subject?: string | RegExp; readonly timeout?: number } = {},
): Promise<Mail> {
  const fits = (mail: Mail) =>
    typeof subject === 'string' ? mail.subject.includes(subject) : subject.test(mail.subject);
  const deadline = performance.now() + timeout;
  for (;;) {
    const mails = await listMail(call, to);
    const newest = mails.find(fits);
    if (newest !== undefined) {
      return newest;
    }
    if (performance.now() > deadline) {
      const others = mails.map((mail) => JSON.stringify(mail.subject)).join(', ');
      throw new Error(`No such mail to ${to} within ${timeout} ms; what came: ${others || 'nothing'}`);
    }
    await pause(BETWEEN_LOOKS_MS);
  }
}

const encoded = encodeURIComponent;
