import type { QueryConfig } from 'pg';
import { createInOrder } from '../../database/in-order.ts';
import * as statements from './artifact-statements.ts';
import { batchChanges, batchReads, batchSaves, type Database, isForAll } from './batched.ts';
import { type ArtifactExchange, redeemArtifact } from './token-statements.ts';

/** The table of artifacts, a statement for as many of them as come together. What concerns one artifact happens in order. */
export interface ArtifactTable {
  find(key: string): Promise<statements.FoundArtifact | undefined>;
  findWithAccount(key: string): Promise<statements.FoundWithAccount | undefined>;
  findByUid(kind: string, uid: string): Promise<statements.FoundArtifact | undefined>;
  findByUserCode(kind: string, userCodes: readonly string[]): Promise<statements.FoundArtifact | undefined>;
  upsert(artifact: statements.SavedArtifact): Promise<void>;
  /** True for the first of any number of callers; false when the artifact is there, and then nothing is saved. */
  insert(artifact: statements.SavedArtifact): Promise<boolean>;
  /** False when the artifact is not there, and then nothing is saved. */
  update(artifact: statements.UpdatedArtifact): Promise<boolean>;
  /** True for exactly one of any number of callers. */
  consume(key: string): Promise<boolean>;
  /** The same, and then the tokens that it is exchanged for are saved in the same moment. */
  redeem(exchange: ArtifactExchange): Promise<boolean>;
  /** The same. */
  destroy(key: string): Promise<boolean>;
}

export function createArtifactTable(database: Database): ArtifactTable {
  const inOrder = createInOrder(isForAll);
  const find = batchReads<string, statements.FoundArtifact>(database, statements.find);
  const findWithAccount = batchReads<string, statements.FoundWithAccount>(database, statements.findWithAccount);
  const upsert = batchSaves(database, statements.upsert, ({ row }) => row.key);
  const update = batchChanges(database, statements.update, ({ formerKey }) => formerKey);
  const destroy = batchChanges<string>(database, statements.destroy, (key) => key);
  const findOne = async (statement: QueryConfig) => (await database.query<statements.FoundArtifact>(statement)).rows[0];
  const consumeOne = async (key: string) => (await database.query(statements.consume(key))).rowCount === 1;
  const redeemOne = async (exchange: ArtifactExchange) =>
    (await database.query(redeemArtifact(exchange))).rowCount === 1;
  const insertOne = async (one: statements.SavedArtifact) =>
    (await database.query(statements.insert(one))).rowCount === 1;
  return {
    find: (key) => inOrder.read(key, () => find(key)),
    findWithAccount: (key) => inOrder.read(key, () => findWithAccount(key)),
    findByUid: (kind, uid) => findOne(statements.findByUid(kind, uid)),
    findByUserCode: (kind, userCodes) => findOne(statements.findByUserCode(kind, userCodes)),
    upsert: (artifact) => inOrder.write(artifact.row.key, () => upsert(artifact)),
    insert: (artifact) => inOrder.write(artifact.row.key, () => insertOne(artifact)),
    update: (artifact) => inOrder.write(artifact.formerKey, () => update(artifact)),
    consume: (key) => inOrder.write(key, () => consumeOne(key)),
    redeem: (exchange) => inOrder.write(exchange.key, () => redeemOne(exchange)),
    destroy: (key) => inOrder.write(key, () => destroy(key)),
  };
}
