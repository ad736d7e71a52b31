import type { Account } from '../accounts/account.ts';
import type { RequestInProgress } from '../provider/current-request.ts';
import { type AccountColumns, accountIn } from './account-columns.ts';
import type { FoundWithAccount } from './artifact-statements.ts';
import type { Redemption } from './redemption.ts';
import type { FoundToken } from './token-statements.ts';

export type { RequestInProgress };

/**
 * What one request has read and not yet been asked for. A token is read together with its grant, session and account,
 * which the engine asks for next, one by one: they are handed out once, to this request alone, and are as old as the
 * request itself. The next request reads again.
 */
export interface RequestMemory {
  /** By key: payloads at rest; `undefined` for a grant that is not there, or has ended. */
  readonly grants: Map<string, string | undefined>;
  /** By key: each grant as this request has found it. */
  readonly foundGrants: Map<string, string>;
  /** By uid, in the same way. */
  readonly sessions: Map<string, string | undefined>;
  readonly accounts: Map<string, Account | undefined>;
  /** Each session that this request has found, by key. */
  readonly foundSessions: Map<string, FoundSession>;
  /** By key: a page looks at its interaction, and answers it. */
  readonly interactions: Map<string, FoundWithAccount | undefined>;
  /** By key: the engine looks for a token under one kind after another. */
  readonly tokens: Map<string, ReadToken>;
  /** Of a refresh: the ids of the tokens that it is going to save, by kind. */
  readonly successors: Map<string, string>;
  /** While one is under way. */
  redemption: Redemption | undefined;
}

/** What tokens that end with a session depend on. */
export interface FoundSession {
  /** What it keeps whatever its id. */
  readonly uid: string | undefined;
  readonly accountId: string | undefined;
  /** By client. */
  readonly grantIds: Readonly<Record<string, string | undefined>>;
}

interface ReadToken {
  readonly found: Promise<FoundToken | undefined>;
  /** The kinds under which it was asked for. A second time under one kind is a question about now. */
  readonly kinds: Set<string>;
}

export type CurrentRequest = () => RequestInProgress | undefined;

/** `undefined` outside of a request: then nothing is remembered, and everything read. */
export function createRequestMemory(currentRequest: CurrentRequest): () => RequestMemory | undefined {
  const requests = new WeakMap<object, RequestMemory>();
  return () => {
    const identity = currentRequest()?.identity;
    if (identity === undefined) {
      return undefined;
    }
    let memory = requests.get(identity);
    if (memory === undefined) {
      memory = {
        grants: new Map(),
        foundGrants: new Map(),
        sessions: new Map(),
        accounts: new Map(),
        foundSessions: new Map(),
        interactions: new Map(),
        tokens: new Map(),
        successors: new Map(),
        redemption: undefined,
      };
      requests.set(identity, memory);
    }
    return memory;
  };
}

/** What a statement has read along with a token, an interaction or a session. */
export function rememberAccount(
  memory: RequestMemory,
  row: AccountColumns & { readonly session_uid: string | null; readonly session_payload: string | null },
): void {
  if (row.session_uid !== null) {
    memory.sessions.set(row.session_uid, row.session_payload ?? undefined);
  }
  if (row.account_id !== null) {
    memory.accounts.set(row.account_id, row.account ? accountIn(row.account_id, row) : undefined);
  }
}

/** Hands out what was remembered, once. `undefined` where nothing is known, which is not the same as known absence. */
export function take<Value>(remembered: Map<string, Value> | undefined, key: string): { value: Value } | undefined {
  if (remembered === undefined || !remembered.has(key)) {
    return undefined;
  }
  const value = remembered.get(key) as Value;
  remembered.delete(key);
  return { value };
}
