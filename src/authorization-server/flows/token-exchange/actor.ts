import { errors } from 'oidc-provider';
import type { TokenExchangePolicy } from '../../clients/token-exchange.ts';

/** Who acts (RFC 8693 §4.1): an account, or a client by itself, and before it whoever acted in the subject token. */
export interface Actor {
  readonly sub: string;
  readonly client_id: string;
  readonly act?: Actor;
}

/** Each exchange may add one to the line. */
const MOST_ACTORS = 5;

export interface ActorQuestion {
  readonly delegation: TokenExchangePolicy['delegation'];
  /** Whom the actor token stands for; `undefined` without one. */
  readonly actor: Actor | undefined;
  /** The client that asks: it is what acts where there is no actor token. */
  readonly client: Actor;
  /** `act` and `may_act` of the subject token. */
  readonly subject: {
    readonly act: Actor | undefined;
    readonly may_act: Readonly<Record<string, unknown>> | undefined;
  };
}

/**
 * The `act` of the new token. Without an actor token the client acts in the place of the subject, and the line of those
 * who acted before stays as it is: nobody gets out of it by exchanging a token once more.
 */
export function decideActor({ delegation, actor, client, subject }: ActorQuestion): Actor | undefined {
  if (actor === undefined && delegation === 'required') {
    throw new errors.InvalidRequest('actor_token is missing: this client may act for others only in its own name');
  }
  if (actor !== undefined && delegation === 'none') {
    throw new errors.InvalidRequest('actor_token is not accepted of this client, it has no right to delegation');
  }
  if (!isAmong(actor ?? client, subject.may_act)) {
    throw new errors.InvalidRequest('the subject token names another party that may act for it (may_act)');
  }
  if (actor === undefined) {
    return subject.act;
  }
  const line = { ...actor, ...(subject.act === undefined ? {} : { act: subject.act }) };
  if (lengthOf(line) > MOST_ACTORS) {
    throw new errors.InvalidRequest(`a token can pass through the hands of at most ${MOST_ACTORS} actors`);
  }
  return line;
}

/** RFC 8693 §4.4: every member of `may_act` says something about the party that may act. */
function isAmong(actor: Actor, mayAct: Readonly<Record<string, unknown>> | undefined): boolean {
  return mayAct === undefined || Object.entries(mayAct).every(([name, value]) => actor[name as keyof Actor] === value);
}

function lengthOf(line: Actor | undefined): number {
  return line === undefined ? 0 : 1 + lengthOf(line.act);
}
