/** The process that makes the load, so that it takes nothing from the event loop of anything else. */
import { operationNamed } from '../operations/catalogue.ts';
import { closedLoop } from './closed-loop.ts';
import type { Order, Outcome } from './load-process.ts';
import { openLoop } from './open-loop.ts';
import { type Population, populate } from './population.ts';
import type { Scenario, Target } from './scenario.ts';

const populations = new Map<number, Promise<Population>>();
const scenarios = new Map<string, Scenario>();

process.on('message', async ({ id, order }: { id: number; order: Order }) => {
  const outcome: Outcome = await carryOut(order).then(
    (result) => ({ id, result }),
    (error: unknown) => ({ id, error: error instanceof Error ? String(error.stack) : String(error) }),
  );
  process.send?.(outcome);
});
process.on('disconnect', () => process.exit());

async function carryOut({ kind, target, operation, ...order }: Order): Promise<unknown> {
  const scenario = scenarioOf(operation, target);
  const { connections, seconds, rate = 0 } = order;
  switch (kind) {
    case 'prepare':
      return scenario.prepare?.({ connections, seconds });
    case 'closed loop':
      return closedLoop({ port: target.port, connections, seconds, perform: scenario.perform });
    case 'open loop': {
      const { request } = scenario;
      if (request === undefined) {
        throw new Error(`${operation} is more than one request`);
      }
      return openLoop({ port: target.port, connections, seconds, rate, request });
    }
  }
}

function scenarioOf(operation: string, target: Target): Scenario {
  const key = `${operation} ${target.name}`;
  const known = scenarios.get(key);
  const scenario = known ?? operationNamed(operation).scenario(target, () => populationOf(target));
  scenarios.set(key, scenario);
  return scenario;
}

function populationOf({ populatedAt, name }: Target): Promise<Population> {
  const population = populations.get(populatedAt) ?? populate({ name, port: populatedAt, populatedAt });
  populations.set(populatedAt, population);
  return population;
}
