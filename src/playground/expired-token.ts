import * as openid from 'openid-client';
import { CannotTry, refusedByServer } from './attempt.ts';
import { bearer } from './breakers.ts';
import type { Attempt, Breaker, FlowContext } from './flow.ts';
import { rfc } from './parties.ts';

/** Whoever looks on waits no longer than this. */
const LONGEST_WAIT = 120;

/**
 * The one attack that takes time: a token is got, shown to be good, left to its end, and used again. It is that of a client
 * whose tokens are short-lived, because nobody waits for an hour.
 */
export const expiredToken: Breaker = {
  name: 'expired-token',
  title: 'Use an expired token',
  attack: 'Somebody finds a token in an old log or a backup. Nobody has revoked it; its time is over.',
  rule: 'A token ends by itself: 401 invalid_token. The client of this one gets tokens for some seconds only, so the page can wait.',
  standard: rfc(6750, '3.1'),
  isAvailable: ({ server: { settings } }) => settings.api !== undefined && settings.clients.shortLived !== undefined,
  waitsUntil: ({ expiring }) => expiring?.at,
  attempt: async (context) => (context.run.expiring === undefined ? getOne(context) : useIt(context)),
};

async function getOne(context: FlowContext): Promise<undefined> {
  const { run, server, note } = context;
  const client = server.settings.clients.shortLived;
  const parameters = client?.scope ? { scope: client.scope } : {};
  const tokens = await openid.clientCredentialsGrant(await context.connect(client), parameters);
  const seconds = tokens.expires_in;
  if (seconds === undefined || seconds > LONGEST_WAIT) {
    throw new CannotTry(`The token of ${client?.clientId} is good for ${seconds ?? 'nobody knows how many'} seconds.`);
  }
  const before = await callApi(context, tokens.access_token);
  if (!before.ok) {
    throw new CannotTry(
      'The API refuses the token even while it is good, so that its refusal later would show nothing.',
    );
  }
  note({
    at: 'client',
    label: `wait for ${seconds} s`,
    text: 'The API has just taken this token. Now nothing happens to it but time.',
    facts: [{ name: 'expires_in', value: String(seconds), meaning: 'For so many seconds it is good.' }],
  });
  // Its end is said in whole seconds, of a clock that need not be ours.
  run.expiring = { token: tokens.access_token, at: Date.now() + (seconds + 1) * 1000 };
}

async function useIt(context: FlowContext): Promise<Attempt | undefined> {
  const { run } = context;
  if (run.expiring === undefined || Date.now() < run.expiring.at) {
    return undefined;
  }
  const { token } = run.expiring;
  run.expiring = undefined;
  return refusedByServer(await callApi(context, token));
}

const callApi = ({ send, server }: FlowContext, token: string) =>
  send(server.settings.api?.url ?? '', { method: 'GET', headers: bearer(token) });
