import type { Pool } from 'pg';
import { z } from 'zod';
import { moveResourceServer } from '../authorization-server/storage/move-resource-server.ts';

const Named = z.object({ resourceServers: z.array(z.object({ identifier: z.string(), name: z.string() })) });

/**
 * The demo directory names a resource server by its address. At another address than at an earlier start it is the same one, by
 * its name, and not a second one that would want the types of the first.
 */
export async function followMovedResourceServers(pool: Pool, content: unknown): Promise<void> {
  for (const moved of Named.parse(content).resourceServers) {
    await moveResourceServer(pool, moved);
  }
}
