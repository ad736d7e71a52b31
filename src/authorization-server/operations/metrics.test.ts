import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createProcessMetrics, metricsHandler, metricsOfProcess } from './metrics.ts';
import { metricsOfStorage, type StorageFigures } from './storage-metrics.ts';

const FIGURES: StorageFigures = {
  tokens: { live: 900, expired: 100, bytes: { heap: 1, indexes: 2, toast: 3 }, partitions: 7 },
  artifacts: { live: 5, expired: 1, bytes: { heap: 4, indexes: 5, toast: 6 }, kinds: { Session: 6 } },
  purgeLag: 12,
  growth: { bytesPerDay: 1000, projectedBytes: 30_000 },
};

const cleanUps: (() => unknown)[] = [];
afterEach(() => cleanUps.splice(0).map((cleanUp) => cleanUp()));

async function scrape(sources: readonly (() => Promise<string>)[], path = '/metrics') {
  const server = createServer(metricsHandler(sources)).listen(0, '127.0.0.1');
  cleanUps.push(() => server.close());
  await once(server, 'listening');
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`);
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
}

describe('metrics', () => {
  it('tell requests by route and class of status, the pool, and the process', async () => {
    const metrics = createProcessMetrics({ totalCount: 4, idleCount: 1, waitingCount: 2 });
    metrics.observe({ path: '/token', status: 200, milliseconds: 3 });
    metrics.observe({ path: '/token', status: 401, milliseconds: 30 });
    const { status, type, text } = await scrape([metricsOfProcess(metrics)]);
    expect([status, type]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
    expect(text).toContain('http_request_duration_seconds_bucket{le="0.005",route="/token",status="2xx"} 1');
    expect(text).toContain('http_request_duration_seconds_count{route="/token",status="4xx"} 1');
    expect(text).toContain('concierge_database_connections{state="awaited"} 2');
    expect(text).toContain('process_cpu_seconds_total');
  });

  it('have no more series than there are routes, whatever is asked for, and name no interaction', async () => {
    const metrics = createProcessMetrics({ totalCount: 0, idleCount: 0, waitingCount: 0 });
    for (const path of ['/interaction/secret-uid', '/auth/secret-uid', '/wp-login.php', '/token/x?y', '/__proto__']) {
      metrics.observe({ path, status: 404, milliseconds: 1 });
    }
    const { text } = await scrape([metricsOfProcess(metrics)]);
    const counts = text.split('\n').filter((line) => line.startsWith('http_request_duration_seconds_count'));
    expect(counts).toEqual([
      'http_request_duration_seconds_count{route="pages",status="4xx"} 2',
      'http_request_duration_seconds_count{route="other",status="4xx"} 3',
    ]);
  });

  it('tell what the storage holds, read once in fifteen seconds', async () => {
    let reads = 0;
    let now = 0;
    const source = metricsOfStorage(
      async () => {
        reads += 1;
        return FIGURES;
      },
      () => now,
    );
    const { text } = await scrape([source]);
    expect(text).toContain('concierge_storage_rows{table="tokens",state="expired"} 100');
    expect(text).toContain('concierge_storage_bytes{table="artifacts",part="indexes"} 5');
    expect(text).toContain('concierge_storage_purge_lag_seconds 12');
    expect(text).toContain('concierge_storage_projected_bytes 30000');
    await scrape([source]);
    expect(reads).toBe(1);
    now = 15_001;
    await scrape([source]);
    expect(reads).toBe(2);
  });

  it('are there without those of the storage while the database is away', async () => {
    const metrics = createProcessMetrics({ totalCount: 0, idleCount: 0, waitingCount: 0 });
    const away = metricsOfStorage(() => Promise.reject(new Error('ECONNREFUSED')));
    const { status, text } = await scrape([metricsOfProcess(metrics), away]);
    expect(status).toBe(200);
    expect(text).not.toContain('concierge_storage');
  });

  it('answer nothing else: 404, and 503 when a worker does not answer', async () => {
    expect((await scrape([], '/')).status).toBe(404);
    expect((await scrape([() => Promise.reject(new Error('Operation timed out.'))])).status).toBe(503);
  });
});
