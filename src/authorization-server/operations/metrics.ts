import type { RequestListener } from 'node:http';
import { AggregatorRegistry, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** A pool of connections to the database, as pg has them. */
export interface PoolFigures {
  readonly totalCount: number;
  readonly idleCount: number;
  readonly waitingCount: number;
}

export interface ProcessMetrics {
  readonly registry: Registry;
  observe(request: { readonly path: string; readonly status: number; readonly milliseconds: number }): void;
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

/** What is measured of a path; whatever else is asked for is one series, because anybody can invent a path. */
const ROUTES = new Set([
  '/',
  '/auth',
  '/token',
  '/token/introspection',
  '/token/revocation',
  '/me',
  '/jwks',
  '/.well-known/openid-configuration',
  '/.well-known/oauth-authorization-server',
  '/session/end',
  '/healthz',
  '/readyz',
]);
const PAGES = /^\/(interaction|auth)\//;

/** Of one process: with several workers, of each of them. */
export function createProcessMetrics(pool: PoolFigures): ProcessMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const durations = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from the arrival of a request to its answer',
    labelNames: ['route', 'status'],
    buckets: SECONDS,
    registers: [registry],
  });
  new Gauge({
    name: 'concierge_database_connections',
    help: 'Connections to the database, and requests that wait for one',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      this.set({ state: 'open' }, pool.totalCount);
      this.set({ state: 'idle' }, pool.idleCount);
      this.set({ state: 'awaited' }, pool.waitingCount);
    },
  });
  return {
    registry,
    observe({ path, status, milliseconds }) {
      durations.observe({ route: routeOf(path), status: `${Math.floor(status / 100)}xx` }, milliseconds / 1000);
    },
  };
}

/** The metrics of a process that serves alone. */
export function metricsOfProcess({ registry }: ProcessMetrics): () => Promise<string> {
  return () => registry.metrics();
}

/** Lets the primary ask this worker. */
export function offerToPrimary({ registry }: ProcessMetrics): void {
  AggregatorRegistry.setRegistries(registry);
  new AggregatorRegistry();
}

/** The metrics of all workers added up; for their primary. */
export function metricsOfWorkers(): () => Promise<string> {
  const workers = new AggregatorRegistry();
  return () => workers.clusterMetrics();
}

/** `GET /metrics` in the text format of Prometheus, for a listener of its own. */
export function metricsHandler(sources: readonly (() => Promise<string>)[]): RequestListener {
  return async (request, response) => {
    if (request.url !== '/metrics' || (request.method !== 'GET' && request.method !== 'HEAD')) {
      response.writeHead(404).end();
      return;
    }
    const texts = await Promise.all(sources.map((source) => source())).catch(() => undefined);
    if (texts === undefined) {
      response.writeHead(503).end();
      return;
    }
    response.writeHead(200, { 'Content-Type': Registry.PROMETHEUS_CONTENT_TYPE }).end(texts.join('\n'));
  };
}

function routeOf(path: string): string {
  return ROUTES.has(path) ? path : PAGES.test(path) ? 'pages' : 'other';
}
