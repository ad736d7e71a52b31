import { Readable } from 'node:stream';
import type { Pool } from 'pg';
import type { Owner, Reach } from '../owner.ts';
import { type OwnerColumns, ownerFrom, ownerParameters } from './owner-columns.ts';

export interface Blob {
  readonly id: string;
  readonly owner: Owner;
  readonly contentType: string;
  readonly size: number;
  readonly createdAt: Date;
}

interface Row extends OwnerColumns {
  id: string;
  content_type: string;
  size: string;
  created_at: Date;
}

const COLUMNS = 'id, owner_kind, owner_id, content_type, size, created_at';

/** What one upload or download holds in memory: enough to keep the number of commits down. */
const CHUNK_BYTES = 256 * 1024;

/**
 * Blobs as rows of chunks. An upload takes a connection for one chunk at a time and not for its whole duration, or a
 * few slow senders would hold the entire pool. So it is no transaction: a blob exists from its completion on.
 */
export class BlobStore {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Asks for more bytes only when the ones before are stored. When the source fails, nothing of the blob remains. */
  async create(owner: Owner, contentType: string, source: AsyncIterable<Buffer>): Promise<Blob> {
    const { rows } = await this.#pool.query<{ id: string }>(
      'insert into blobs (owner_kind, owner_id, content_type) values ($1, $2, $3) returning id',
      [...ownerParameters(owner), contentType],
    );
    const { id } = rows[0] as { id: string }; // an insert that did not throw returns its row
    try {
      return await this.#complete(id, await this.#storeChunks(id, source));
    } catch (error) {
      // Where this fails too, `deleteAbandoned` gets it; the first error is the one worth knowing.
      await this.#pool.query('delete from blobs where id = $1', [id]).catch(() => undefined);
      throw error;
    }
  }

  async find(id: string, reach: Reach): Promise<Blob | undefined> {
    const { rows } = await this.#pool.query<Row>(
      `select ${COLUMNS} from blobs where id = $1 and completed_at is not null
        and ($2::text is null or (owner_kind = $2 and owner_id = $3))`,
      [id, ...ownerParameters(reach)],
    );
    return rows[0] && blobFrom(rows[0]);
  }

  /** Reads a chunk when the one before is taken. */
  read({ id }: Blob): Readable {
    return Readable.from(this.#chunks(id), { objectMode: false });
  }

  /** Uploads that a crash cut off. An hour is longer than the server lets any request take. */
  async deleteAbandoned(): Promise<void> {
    await this.#pool.query(`delete from blobs where completed_at is null and created_at < now() - interval '1 hour'`);
  }

  async #storeChunks(id: string, source: AsyncIterable<Buffer>): Promise<number> {
    let size = 0;
    let position = 0;
    for await (const bytes of inChunks(source)) {
      await this.#pool.query('insert into blob_chunks (blob_id, position, bytes) values ($1, $2, $3)', [
        id,
        position,
        bytes,
      ]);
      position += 1;
      size += bytes.length;
    }
    return size;
  }

  async #complete(id: string, size: number): Promise<Blob> {
    const { rows } = await this.#pool.query<Row>(
      `update blobs set size = $2, completed_at = now() where id = $1 returning ${COLUMNS}`,
      [id, size],
    );
    if (rows[0] === undefined) {
      throw new Error('the upload was deleted while it was running');
    }
    return blobFrom(rows[0]);
  }

  async *#chunks(id: string): AsyncGenerator<Buffer> {
    for (let position = 0; ; position += 1) {
      const { rows } = await this.#pool.query<{ bytes: Buffer }>(
        'select bytes from blob_chunks where blob_id = $1 and position = $2',
        [id, position],
      );
      if (rows[0] === undefined) {
        return;
      }
      yield rows[0].bytes;
    }
  }
}

/** The same bytes, gathered into pieces of CHUNK_BYTES or a little more; the last one may be smaller. */
async function* inChunks(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let gathered: Buffer[] = [];
  let size = 0;
  for await (const bytes of source) {
    gathered.push(bytes);
    size += bytes.length;
    if (size >= CHUNK_BYTES) {
      yield Buffer.concat(gathered);
      gathered = [];
      size = 0;
    }
  }
  if (size > 0) {
    yield Buffer.concat(gathered);
  }
}

function blobFrom(row: Row): Blob {
  return {
    id: row.id,
    owner: ownerFrom(row),
    contentType: row.content_type,
    size: Number(row.size),
    createdAt: row.created_at,
  };
}
