import type { Context } from 'koa';
import type * as openid from 'openid-client';
import type { AuthorizationServer } from './authorization-server.ts';
import { diagramOf } from './diagram.ts';
import type { Field, Flow, FlowContext } from './flow.ts';
import { initialParameters } from './home-page.ts';
import { clientOf, contextOf } from './perform.ts';
import type { Playground } from './playground.ts';
import { describeProblem, type Problem } from './problem.ts';
import { createRun, type Run } from './run.ts';
import { letScriptReach } from './security.ts';
import { describeStep, readSteps, type StepView } from './step-view.ts';
import { nextInStory } from './story.ts';

/** Everything that the page of a flow shows. A server that is away makes a page as well. */
export async function showFlow(playground: Playground, flow: Flow, ctx: Context): Promise<void> {
  const session = playground.sessions.find(ctx);
  const server = playground.serverOf(session);
  if (flow.runsIn === 'browser') {
    await letScriptReach(server, ctx);
  }
  const known = session?.runs.get(flow.name);
  const { metadata, problem } = await metadataOf(server);
  const client = clientOf(flow, server.settings);
  const values = {
    flow,
    clientId: client?.clientId,
    isDemo: server.settings.isDemo,
    fields: fieldsOf(flow, server, known),
    unavailable: client ? metadata && flow.missing(metadata) : 'No client is configured here that could play it.',
    state: stateOf(known, problem),
    problem: known?.problem ?? problem,
    device: known?.device,
    tokens: known?.tokens ?? {},
  };
  const more = metadata && client ? await describeRun(playground, { flow, server, metadata, run: known, ctx }) : EMPTY;
  ctx.body = playground.page('flow', ctx, { ...values, ...more });
}

const EMPTY = { rows: [], step: undefined, actions: [], breakers: [] };

async function metadataOf(
  server: AuthorizationServer,
): Promise<{ metadata?: openid.ServerMetadata; problem?: Problem | undefined }> {
  try {
    return { metadata: await server.metadata() };
  } catch (thrown) {
    const problem = describeProblem(thrown, server.issuer);
    if (!problem) {
      throw thrown;
    }
    return { problem };
  }
}

function fieldsOf(flow: Flow, { settings }: AuthorizationServer, run: Run | undefined) {
  const values = run?.parameters ?? initialParameters(flow, settings);
  // A password that somebody typed is sent to nobody again, not even to themselves.
  const isKeptBack = ({ type }: Field) => type === 'password' && !settings.isDemo;
  return flow.fields.map((field) => ({ ...field, value: isKeptBack(field) ? '' : (values[field.name] ?? '') }));
}

/** Browser tests wait for it. */
function stateOf(run: Run | undefined, problem: Problem | undefined): string {
  if (run === undefined) {
    return problem ? 'failed' : 'idle';
  }
  if (run.problem && run.tokens.accessToken === undefined) {
    return 'failed';
  }
  if (run.device) {
    return 'waiting';
  }
  return run.code && run.tokens.accessToken === undefined ? (run.code.callbackUrl ? 'paused' : 'away') : 'done';
}

interface Described {
  readonly flow: Flow;
  readonly server: AuthorizationServer;
  readonly metadata: openid.ServerMetadata;
  readonly run: Run | undefined;
  readonly ctx: Context;
}

async function describeRun(playground: Playground, { flow, server, metadata, run, ctx }: Described) {
  const { ownUrl } = playground;
  const context = await contextOf({ server, ownUrl }, flow, run ?? createRun(flow.name, {}));
  const next = run && nextInStory(flow, run, (action) => action.isAvailable(context));
  const steps = readSteps(run?.steps ?? [], metadata, ownUrl);
  const chosen = steps.find(({ id }) => String(id) === ctx.query.step) ?? mostTelling(steps);
  return {
    rows: diagramOf({ flow, run, steps, chosen: chosen?.id, next: next?.upcoming ?? [] }),
    step: chosen && describeStep(chosen, server.settings, context.client),
    actions: run ? buttonsOf(flow, context, next?.action?.name) : [],
    breakers: flow.breakers.map((breaker) => ({
      ...breaker,
      available: breaker.isAvailable(context),
      verdict: run?.verdicts[breaker.name],
      secondsToWait: secondsTo(run && breaker.waitsUntil?.(run)),
    })),
  };
}

const secondsTo = (moment: number | undefined) =>
  moment === undefined ? undefined : Math.max(0, Math.ceil((moment - Date.now()) / 1000));

function buttonsOf(flow: Flow, context: FlowContext, next: string | undefined) {
  return flow.actions
    .filter((action) => action.isAvailable(context))
    .map(({ name, title, testid }) => ({ name, title, testid, isNext: name === next }));
}

/** What was judged, or else what was answered last: fetching keys and checking are by the way. */
function mostTelling(steps: readonly StepView[]): StepView | undefined {
  const last = steps.at(-1);
  return last?.verdict ? last : (steps.findLast(({ kind }) => kind !== undefined && kind !== 'keys') ?? last);
}
