import { z } from 'zod';
import { notFound, pathId } from '../http/path-id.ts';
import { describe, invalidRequest, readJson } from '../http/read-body.ts';
import { ownerOf, reachOf } from '../owner.ts';
import type { RecordStore, StoredRecord } from '../storage/records.ts';
import type { Handlers } from './router.ts';

/** PostgreSQL stores neither NUL nor half a surrogate pair. */
const text = z
  .string()
  .refine((value) => value.isWellFormed() && !value.includes('\0'), 'holds characters that are none');

const RecordContent = z.strictObject({ title: text.min(1).max(200), body: text.max(10_000) });

const ListQuery = z.object({
  limit: z
    .string()
    .regex(/^[0-9]{1,3}$/, 'is not a number from 1 to 100')
    .transform(Number)
    .pipe(z.int().min(1).max(100))
    .default(20),
  cursor: z
    .string()
    .regex(/^[1-9][0-9]{0,17}$/, 'is not the next_cursor of a page')
    .optional(),
});

export function recordHandlers(
  records: RecordStore,
): Handlers<'GET /records' | 'POST /records' | 'GET /records/:id' | 'PUT /records/:id' | 'DELETE /records/:id'> {
  return {
    'GET /records': async (ctx) => {
      const query = ListQuery.safeParse(ctx.query);
      if (!query.success) {
        throw invalidRequest(describe(query.error));
      }
      const { limit, cursor } = query.data;
      const page = await records.list(reachOf(ctx.state.token), { limit, cursor });
      ctx.body = { records: page.records.map(present), next_cursor: page.nextCursor ?? null };
    },

    'POST /records': async (ctx) => {
      const record = await records.create(ownerOf(ctx.state.token), await readJson(ctx, RecordContent));
      ctx.status = 201;
      ctx.set('Location', `/records/${record.id}`);
      ctx.body = present(record);
    },

    'GET /records/:id': async (ctx) => {
      ctx.body = presentOr404(await records.find(pathId(ctx), reachOf(ctx.state.token)));
    },

    'PUT /records/:id': async (ctx) => {
      const id = pathId(ctx);
      const content = await readJson(ctx, RecordContent);
      ctx.body = presentOr404(await records.replace(id, reachOf(ctx.state.token), content));
    },

    'DELETE /records/:id': async (ctx) => {
      if (!(await records.delete(pathId(ctx), reachOf(ctx.state.token)))) {
        throw notFound();
      }
      ctx.status = 204;
    },
  };
}

function presentOr404(record: StoredRecord | undefined) {
  if (record === undefined) {
    throw notFound();
  }
  return present(record);
}

function present({ id, title, body, owner, createdAt, updatedAt }: StoredRecord) {
  return { id, title, body, owner, created_at: createdAt.toISOString(), updated_at: updatedAt.toISOString() };
}
