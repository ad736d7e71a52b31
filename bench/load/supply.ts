/** What can be used once only, made before the round in which it is. When it is used up the round is over. */
import { type BenchClient, MACHINES } from '../directory.ts';
import { inParallel } from './population.ts';
import { expectStatus, jsonOf, postForm } from './requests.ts';
import type { Round } from './scenario.ts';

export interface MachineToken {
  readonly client: BenchClient;
  readonly token: string;
}

/** Issued by the server at the port, for so many operations a second. */
export async function issueTokens(port: number, round: Round, perSecond: number): Promise<MachineToken[]> {
  const tokens: MachineToken[] = [];
  await inParallel(port, repeated(MACHINES, supplyFor(round, perSecond)), async (connection, client) => {
    const form = { grant_type: 'client_credentials', scope: 'records:read' };
    const answer = expectStatus(await connection.exchange(postForm('/token', form, client)), 200);
    tokens.push({ client, token: jsonOf<{ access_token: string }>(answer).access_token });
  });
  return tokens;
}

export function supplyFor({ seconds }: Round, perSecond: number): number {
  return Math.ceil(seconds * perSecond);
}

export function* repeated<Item>(items: readonly Item[], count: number): Generator<Item> {
  for (let number = 0; number < count; number += 1) {
    yield items[number % items.length] as Item;
  }
}
