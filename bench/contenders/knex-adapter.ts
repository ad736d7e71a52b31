/** (B0): the adapter that one writes first: a table with the payload as jsonb, one knex statement for each call. */
import createKnex, { type Knex } from 'knex';
import type { Adapter, AdapterPayload } from 'oidc-provider';
import type { OpenStorage } from './storage.ts';

/** As many connections as the product has. */
const POOL_SIZE = 10;

export const openStorage: OpenStorage = async (databaseUrl) => {
  const knex = createKnex({
    client: 'pg',
    connection: databaseUrl,
    pool: { min: POOL_SIZE, max: POOL_SIZE },
  } as Knex.Config);
  await knex.schema.createTable('oidc_payloads', (table) => {
    table.string('id').notNullable();
    table.string('type').notNullable();
    table.jsonb('payload').notNullable();
    table.string('grant_id').index();
    table.string('user_code').index();
    table.string('uid').index();
    table.timestamp('expires_at').index();
    table.timestamp('consumed_at');
    table.primary(['id', 'type']);
  });
  return { adapter: (kind) => new KnexAdapter(knex, kind) };
};

interface Row {
  readonly payload: AdapterPayload;
  readonly expires_at: Date | null;
  readonly consumed_at: Date | null;
}

class KnexAdapter implements Adapter {
  readonly #knex: Knex;
  readonly #kind: string;

  constructor(knex: Knex, kind: string) {
    this.#knex = knex;
    this.#kind = kind;
  }

  async upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    const row = {
      id,
      type: this.#kind,
      payload: JSON.stringify(payload),
      grant_id: payload.grantId,
      user_code: payload.userCode,
      uid: payload.uid,
      expires_at: expiresIn === undefined ? null : new Date(Date.now() + expiresIn * 1000),
    };
    await this.#table().insert(row).onConflict(['id', 'type']).merge();
  }

  find(id: string): Promise<AdapterPayload | undefined> {
    return this.#findBy({ id });
  }

  findByUid(uid: string): Promise<AdapterPayload | undefined> {
    return this.#findBy({ uid });
  }

  findByUserCode(userCode: string): Promise<AdapterPayload | undefined> {
    return this.#findBy({ user_code: userCode });
  }

  async consume(id: string): Promise<void> {
    await this.#table().where({ id, type: this.#kind }).update({ consumed_at: this.#knex.fn.now() });
  }

  async destroy(id: string): Promise<void> {
    await this.#table().where({ id, type: this.#kind }).delete();
  }

  async revokeByGrantId(grantId: string): Promise<void> {
    await this.#table().where({ grant_id: grantId, type: this.#kind }).delete();
  }

  #table() {
    return this.#knex('oidc_payloads');
  }

  async #findBy(condition: Record<string, string>): Promise<AdapterPayload | undefined> {
    const row: Row | undefined = await this.#table()
      .where({ ...condition, type: this.#kind })
      .first();
    if (row === undefined || (row.expires_at !== null && row.expires_at.getTime() < Date.now())) {
      return undefined;
    }
    return { ...row.payload, ...(row.consumed_at === null ? {} : { consumed: true }) };
  }
}
