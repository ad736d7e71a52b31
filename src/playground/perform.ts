import type { AuthorizationServer } from './authorization-server.ts';
import { concealing, type Exchange, recordingFetch } from './exchange.ts';
import type { Action, Breaker, Flow, FlowContext } from './flow.ts';
import type { Client, Issuer } from './issuers.ts';
import { describeProblem, isUnreachable, unreachable } from './problem.ts';
import { addStep, type Run, type Verdict } from './run.ts';

/** Who plays the client of a flow at this issuer. */
export function clientOf(flow: Flow, { clients }: Issuer): Client | undefined {
  return flow.roles.map((role) => clients[role]).find((client) => client !== undefined);
}

export interface Surroundings {
  readonly server: AuthorizationServer;
  readonly ownUrl: string;
}

/** Everything that a run sends goes through here, and is added to its steps as it happens. */
export async function contextOf(
  { server, ownUrl }: Surroundings,
  flow: Flow,
  run: Run,
  attack?: string,
): Promise<FlowContext> {
  const client = clientOf(flow, server.settings);
  if (client === undefined) {
    throw new Error(`no client plays ${flow.name} at ${server.issuer}`);
  }
  const recorder = {
    conceal: concealingOf(server, run),
    record: (exchange: Exchange) => addStep(run, { exchange }, attack),
  };
  return {
    run,
    server,
    client,
    ownUrl,
    metadata: await server.metadata(),
    recorder,
    send: recordingFetch(recorder, server.send),
    connect: (other = client) => server.connect(other, recorder),
    note: (local) => addStep(run, { local }, attack),
  };
}

/** Of other servers neither the secrets of the clients here nor the password that was typed. */
function concealingOf({ settings, secrets }: AuthorizationServer, { parameters: { password } }: Run) {
  return concealing([...secrets, ...(password && !settings.isDemo ? [password] : [])]);
}

/** A refusal or a server that is away ends the action and is shown; only our own mistakes are thrown. */
export async function performAction(surroundings: Surroundings, flow: Flow, run: Run, action: Action): Promise<void> {
  await telling(surroundings, run, async () => {
    const context = await contextOf(surroundings, flow, run);
    if (action.isAvailable(context)) {
      run.done.push(action.name);
      await action.perform(context);
    }
  });
}

/** The verdict belongs to the last step that the attack took. */
export async function performBreaker(
  surroundings: Surroundings,
  flow: Flow,
  run: Run,
  breaker: Breaker,
): Promise<void> {
  await telling(surroundings, run, async () => {
    const context = await contextOf(surroundings, flow, run, breaker.name);
    if (!breaker.isAvailable(context)) {
      return;
    }
    const attempt = await breaker.attempt(context);
    if (attempt === undefined) {
      delete run.verdicts[breaker.name];
      return;
    }
    const { refused, by, seen } = attempt;
    const who = by === 'client' ? 'The client' : 'The server';
    const verdict: Verdict = {
      refused,
      text: refused ? `${who} refused: ${seen}` : `${who} did not refuse: ${seen}`,
    };
    run.verdicts[breaker.name] = verdict;
    const last = run.steps.at(-1);
    if (last) {
      last.verdict = verdict;
    }
  });
}

async function telling({ server }: Surroundings, run: Run, act: () => Promise<void>): Promise<void> {
  if (run.busy) {
    return;
  }
  run.busy = true;
  run.problem = undefined;
  try {
    await act();
  } catch (thrown) {
    const api = server.settings.api?.url;
    const last = run.steps.at(-1);
    const atApi = api !== undefined && last !== undefined && 'exchange' in last && last.exchange.target.startsWith(api);
    const problem =
      atApi && isUnreachable(thrown) ? unreachable('resource API', api) : describeProblem(thrown, server.issuer);
    if (!problem) {
      throw thrown;
    }
    // A server may well say which password was wrong.
    const { errorDescription: words } = problem;
    run.problem = words === undefined ? problem : { ...problem, errorDescription: concealingOf(server, run)(words) };
  } finally {
    run.busy = false;
  }
}
