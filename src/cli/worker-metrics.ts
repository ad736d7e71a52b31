import { metricsHandler, metricsOfWorkers } from '../authorization-server/operations/metrics.ts';
import { metricsOfStorage } from '../authorization-server/operations/storage-metrics.ts';
import { readStorageFigures } from '../authorization-server/storage/storage-figures.ts';
import type { Config } from '../config/schema.ts';
import { createPool } from '../database/connect.ts';
import { listen } from '../http/listen.ts';

export interface WorkerMetrics {
  readonly port: number;
  stop(): Promise<void>;
}

/** `GET /metrics` of all workers together. Their primary answers: a scrape that met any one of them would see only that. */
export async function serveWorkerMetrics({ metrics, database }: Config): Promise<WorkerMetrics | undefined> {
  const { host, port } = metrics;
  if (port === null) {
    return undefined;
  }
  const pool = createPool({ url: database.url, max: 1, applicationName: 'concierge metrics' });
  const sources = [metricsOfWorkers(), metricsOfStorage(() => readStorageFigures(pool))];
  const server = await listen(metricsHandler(sources), { host, port });
  return {
    port: server.port,
    async stop() {
      await server.close();
      await pool.end();
    },
  };
}
