import { createInOrder } from '../../database/in-order.ts';
import { batchChanges, batchReads, batchSaves, type Database, isForAll } from './batched.ts';
import type { TokenRow } from './token-payload.ts';
import * as statements from './token-statements.ts';

/** The table of tokens, a statement for as many of them as come together. What concerns one token happens in order. */
export interface TokenTable {
  find(place: statements.TokenPlace): Promise<statements.FoundToken | undefined>;
  /** Does nothing when the token is there. */
  insert(row: TokenRow): Promise<void>;
  /** True for exactly one of any number of callers, and then what the token is exchanged for is saved in the same moment. */
  redeem(exchange: statements.Exchange): Promise<boolean>;
  revoke(token: statements.KnownToken): Promise<void>;
}

export function createTokenTable(database: Database): TokenTable {
  const inOrder = createInOrder(isForAll);
  const keyOf = ({ key }: statements.TokenPlace) => key;
  const find = batchReads<statements.TokenPlace, statements.FoundToken>(database, statements.find);
  const insert = batchSaves(database, statements.insert, keyOf);
  const redeem = batchChanges(database, statements.redeem, keyOf);
  const revoke = batchSaves(database, statements.revoke, keyOf);
  return {
    find: (place) => inOrder.read(place.key, () => find(place)),
    insert: (row) => inOrder.write(row.key, () => insert(row)),
    redeem: (exchange) => inOrder.write(exchange.key, () => redeem(exchange)),
    revoke: (token) => inOrder.write(token.key, () => revoke(token)),
  };
}
