import type { Percentiles } from '../load/open-loop.ts';
import { jwks } from '../operations/documents.ts';
import { passwordGrant } from '../operations/passwords.ts';
import type { Stage } from '../stage.ts';

/** Does everybody else wait while passwords are verified? */
export interface WhileHashing {
  readonly idle: Percentiles;
  readonly hashing: Percentiles;
}

const RATE = 200;
const CONNECTIONS = 16;

/** `/jwks` asked for at a modest rate: by itself, and while there are always more passwords than turns. */
export async function measureWhileHashing(stage: Stage, seconds: number): Promise<WhileHashing> {
  const { target } = await stage.contender('P');
  const reading = { target, operation: jwks.name, connections: CONNECTIONS, seconds, rate: RATE };
  const verifying = { target, operation: passwordGrant.name, connections: passwordGrant.connections ?? 1, seconds };
  await stage.load.openLoop({ ...reading, seconds: 1 });
  const { accepted: idle } = await stage.load.openLoop(reading);
  const [{ accepted: hashing }] = await Promise.all([stage.load.openLoop(reading), stage.load.closedLoop(verifying)]);
  return { idle, hashing };
}
