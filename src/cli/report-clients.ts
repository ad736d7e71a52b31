import { shortfallOf, usesDiscouragedGrants } from '../authorization-server/profiles/shortfalls.ts';
import { PostgresClientStore } from '../authorization-server/storage/clients.ts';
import type { DatabaseConfig } from '../config/schema.ts';
import { createPool } from '../database/connect.ts';

/** So many are named, and the rest counted: who switches the profile of a large server knows by then. */
const NAMED = 20;

class Tally {
  readonly first: string[] = [];
  #count = 0;

  add(entry: string): void {
    this.#count += 1;
    if (this.first.length < NAMED) {
      this.first.push(entry);
    }
  }

  get more(): string[] {
    return this.#count > NAMED ? [`and ${this.#count - NAMED} more`] : [];
  }
}

type ReportedConfig = Pick<DatabaseConfig, 'profile' | 'mode'> & { readonly database: { readonly url: string } };

/** What an operator should know of the clients in this database under this profile, a sentence each. */
export async function reportClients({ database: { url }, profile, mode }: ReportedConfig): Promise<string[]> {
  const shortfalls = new Tally();
  const discouraged = new Tally();
  const pool = createPool({ url, max: 1, applicationName: 'concierge' });
  try {
    for await (const client of new PostgresClientStore(pool).vouchedFor()) {
      const shortfall = shortfallOf(client, profile);
      if (shortfall !== undefined) {
        shortfalls.add(shortfall);
      } else if (mode === 'production' && usesDiscouragedGrants(client)) {
        discouraged.add(client.clientId);
      }
    }
  } finally {
    await pool.end();
  }
  const names = [...discouraged.first, ...discouraged.more].join(', ');
  const advice = `RFC 9700 advises against the implicit and the password grant, for which these are registered: ${names}`;
  return [...shortfalls.first, ...shortfalls.more, ...(names === '' ? [] : [advice])];
}
