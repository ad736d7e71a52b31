import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Pool } from 'pg';
import { parse } from 'yaml';
import { z } from 'zod';
import { PostgresAccountStore } from '../authorization-server/storage/accounts.ts';
import { createPool } from '../database/connect.ts';
import type { Owner } from '../resource-server/owner.ts';
import { type Belongings, furnish } from '../resource-server/storage/belongings.ts';

const DEMO_RECORDS = join(import.meta.dirname, '../../config/demo-records.yaml');

const DaysAgo = z.number().nonnegative();
const Kept = {
  records: z.array(
    z
      .strictObject({ title: z.string(), body: z.string(), created: DaysAgo, changed: DaysAgo.optional() })
      .transform(({ changed, ...record }) => ({ ...record, changed: changed ?? record.created })),
  ),
  files: z.array(z.strictObject({ contentType: z.string(), text: z.string(), created: DaysAgo })).default([]),
};
const DemoRecords = z.array(
  z.union([z.strictObject({ account: z.string(), ...Kept }), z.strictObject({ client: z.string(), ...Kept })]),
);

interface Databases {
  readonly authorizationServer: string;
  readonly resourceApi: string;
}

/**
 * Something to see for who has just started `concierge dev`: the API knows people by the identifiers that the authorization server
 * has made for them a moment ago.
 */
export async function furnishDemo({ authorizationServer, resourceApi }: Databases): Promise<void> {
  const pools = [authorizationServer, resourceApi].map((url) =>
    createPool({ url, max: 1, applicationName: 'concierge dev' }),
  ) as [Pool, Pool];
  try {
    await furnish(pools[1], await demoBelongings(new PostgresAccountStore(pools[0])));
  } finally {
    await Promise.all(pools.map((pool) => pool.end()));
  }
}

async function demoBelongings(accounts: Pick<PostgresAccountStore, 'findByEmail'>): Promise<Belongings[]> {
  const belongings: Belongings[] = [];
  for (const { records, files, ...whose } of DemoRecords.parse(parse(readFileSync(DEMO_RECORDS, 'utf8')))) {
    const owner = await ownerOf(whose, accounts);
    if (owner !== undefined) {
      belongings.push({ owner, records, files });
    }
  }
  return belongings;
}

type Whose = { readonly account: string } | { readonly client: string };

/** None for an account that is not there. */
async function ownerOf(whose: Whose, accounts: Pick<PostgresAccountStore, 'findByEmail'>): Promise<Owner | undefined> {
  if ('client' in whose) {
    return { kind: 'client', client_id: whose.client };
  }
  const account = await accounts.findByEmail(whose.account);
  return account && { kind: 'account', sub: account.accountId };
}
