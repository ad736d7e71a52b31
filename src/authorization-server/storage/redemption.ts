import type { RequestMemory } from './request-memory.ts';
import type { TokenRow } from './token-payload.ts';
import type { TokenTable } from './token-table.ts';

/** Ids that were handed out, and what is to be told instead. */
export type Substitutes = ReadonlyMap<string, string>;

/** What a request uses up, and what it gets for that. */
export interface Redemption {
  used: UsedUp | undefined;
  readonly saved: TokenRow[];
}

export interface UsedUp {
  /** Uses it up and saves this, in one statement. False where another request was faster. */
  readonly redeem: (saved: readonly TokenRow[]) => Promise<boolean>;
  /** Another request was faster. Throws the RFC's error, or says what that one was told. */
  readonly lost: () => Promise<Substitutes>;
}

const NONE: Substitutes = new Map();

/**
 * The engine marks a code, whatever kind it is, or a refresh token as used and then saves what it is exchanged for, one after the other. Here all
 * of it becomes one statement at the end of the exchange: it takes effect as a whole, for the one request that was first,
 * or not at all: a node that dies in between, and an exchange that is refused in between, use nothing up.
 */
export async function redeem(
  memory: RequestMemory | undefined,
  tokens: TokenTable,
  exchange: () => Promise<void>,
): Promise<Substitutes> {
  if (memory === undefined) {
    throw new TypeError('tokens are exchanged in a request');
  }
  const redemption: Redemption = { used: undefined, saved: [] };
  memory.redemption = redemption;
  try {
    await exchange();
  } finally {
    memory.redemption = undefined;
  }
  const { used, saved } = redemption;
  if (used === undefined) {
    await Promise.all(saved.map((row) => tokens.insert(row)));
    return NONE;
  }
  return (await used.redeem(saved)) ? NONE : used.lost();
}
