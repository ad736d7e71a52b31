import type { Pool } from 'pg';
import type { Owner, Reach } from '../owner.ts';
import { type OwnerColumns, ownerFrom, ownerParameters } from './owner-columns.ts';

export interface RecordContent {
  readonly title: string;
  readonly body: string;
}

export interface StoredRecord extends RecordContent {
  readonly id: string;
  readonly owner: Owner;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface RecordPage {
  /** Newest first. */
  readonly records: readonly StoredRecord[];
  /** Where the next page starts; `undefined` on the last one. */
  readonly nextCursor: string | undefined;
}

interface Row extends OwnerColumns, RecordContent {
  id: string;
  position: string;
  created_at: Date;
  updated_at: Date;
}

const COLUMNS = 'id, position, owner_kind, owner_id, title, body, created_at, updated_at';
const REACHED = '($2::text is null or (owner_kind = $2 and owner_id = $3))';
const NEWEST = '9223372036854775807';

/** Every method sees what `reach` covers and nothing else: the records of others do not exist. */
export class RecordStore {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  async list(reach: Reach, { limit, cursor }: { limit: number; cursor: string | undefined }): Promise<RecordPage> {
    // Two statements rather than REACHED: each has an index that delivers its page without sorting.
    const [restriction, owner] =
      reach === 'everyone' ? ['', []] : ['and owner_kind = $3 and owner_id = $4', ownerParameters(reach)];
    const { rows } = await this.#pool.query<Row>(
      `select ${COLUMNS} from records where position < $1 ${restriction} order by position desc limit $2`,
      [cursor ?? NEWEST, limit + 1, ...owner],
    );
    const page = rows.slice(0, limit);
    return { records: page.map(recordFrom), nextCursor: rows.length > limit ? page.at(-1)?.position : undefined };
  }

  async find(id: string, reach: Reach): Promise<StoredRecord | undefined> {
    return this.#one(`select ${COLUMNS} from records where id = $1 and ${REACHED}`, [id, ...ownerParameters(reach)]);
  }

  async create(owner: Owner, { title, body }: RecordContent): Promise<StoredRecord> {
    const { rows } = await this.#pool.query<Row>(
      `insert into records (owner_kind, owner_id, title, body) values ($1, $2, $3, $4) returning ${COLUMNS}`,
      [...ownerParameters(owner), title, body],
    );
    return recordFrom(rows[0] as Row); // an insert that did not throw returns its row
  }

  /** The owner stays who it was, whoever replaces the content. The last of two writers wins. */
  async replace(id: string, reach: Reach, { title, body }: RecordContent): Promise<StoredRecord | undefined> {
    return this.#one(
      `update records set title = $4, body = $5, updated_at = now() where id = $1 and ${REACHED} returning ${COLUMNS}`,
      [id, ...ownerParameters(reach), title, body],
    );
  }

  async delete(id: string, reach: Reach): Promise<boolean> {
    const { rowCount } = await this.#pool.query(`delete from records where id = $1 and ${REACHED}`, [
      id,
      ...ownerParameters(reach),
    ]);
    return rowCount === 1;
  }

  async #one(statement: string, parameters: readonly (string | null)[]): Promise<StoredRecord | undefined> {
    const { rows } = await this.#pool.query<Row>(statement, [...parameters]);
    return rows[0] && recordFrom(rows[0]);
  }
}

function recordFrom(row: Row): StoredRecord {
  return {
    id: row.id,
    title: row.title,
    body: row.body,
    owner: ownerFrom(row),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
