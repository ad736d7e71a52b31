import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { renderCatalogue } from '../testing/catalogue.ts';
import { createTestDatabase, DATABASES } from '../testing/database.ts';

describe.each(DATABASES)('the migrations of the %s', (name) => {
  it('make the tables that catalogue.txt shows (after a new migration: UPDATE_CATALOGUE=1 vitest run catalogue)', async () => {
    const file = join(import.meta.dirname, '../../migrations', name, 'catalogue.txt');
    const database = await createTestDatabase(name);
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    const catalogue = await renderCatalogue(client);
    await client.end();
    await database.drop();
    if (process.env.UPDATE_CATALOGUE) {
      await writeFile(file, catalogue);
    }
    expect(catalogue).toBe(await readFile(file, 'utf8'));
  });
});
