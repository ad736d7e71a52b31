import cluster from 'node:cluster';
import { type ListeningServer, listen } from '../../http/listen.ts';
import type { PoolFigures, ProcessMetrics } from './metrics.ts';
import type { StorageFigures } from './storage-metrics.ts';

export interface MeasureProcessDeps {
  readonly host: string;
  /** `null`: nothing is measured, and what would measure it is not even loaded. */
  readonly port: number | null;
  readonly pool: PoolFigures;
  readonly readStorage: () => Promise<StorageFigures>;
}

export interface Measurement {
  readonly observe: ProcessMetrics['observe'];
  /** Answers `GET /metrics`; a worker leaves that to its primary, which adds up what all of them measured. */
  serve(): Promise<ListeningServer | undefined>;
}

export async function measureProcess(deps: MeasureProcessDeps): Promise<Measurement | undefined> {
  const { host, port, pool, readStorage } = deps;
  if (port === null) {
    return undefined;
  }
  const metrics = await import('./metrics.ts');
  const { metricsOfStorage } = await import('./storage-metrics.ts');
  const ofProcess = metrics.createProcessMetrics(pool);
  if (cluster.isWorker) {
    // At once: the primary asks every worker that there is, and has nothing to say until all have answered.
    metrics.offerToPrimary(ofProcess);
  }
  return {
    observe: ofProcess.observe,
    async serve() {
      if (cluster.isWorker) {
        return undefined;
      }
      const sources = [metrics.metricsOfProcess(ofProcess), metricsOfStorage(readStorage)];
      return listen(metrics.metricsHandler(sources), { host, port });
    },
  };
}
