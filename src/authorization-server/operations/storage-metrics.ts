import { Gauge, Registry } from 'prom-client';

/** See storage/storage-figures.ts. */
export interface StorageFigures {
  readonly tokens: TableFigures & { readonly partitions: number };
  readonly artifacts: TableFigures & { readonly kinds: Readonly<Record<string, number>> };
  readonly purgeLag: number;
  readonly growth: { readonly bytesPerDay: number; readonly projectedBytes: number } | undefined;
}

interface TableFigures {
  readonly live: number;
  readonly expired: number;
  readonly bytes: Readonly<Record<'heap' | 'indexes' | 'toast', number>>;
}

/** However often it is asked, and by however many. */
const KEPT_MS = 15_000;

/** What `concierge storage` prints. While the database is away these are missing, and the other metrics are there. */
export function metricsOfStorage(
  read: () => Promise<StorageFigures>,
  now = () => performance.now(),
): () => Promise<string> {
  let reading: Promise<string> | undefined;
  let since = Number.NEGATIVE_INFINITY;
  return () => {
    if (reading === undefined || now() - since > KEPT_MS) {
      since = now();
      reading = read().then(render, () => '');
    }
    return reading;
  };
}

function render({ tokens, artifacts, purgeLag, growth }: StorageFigures): Promise<string> {
  const registry = new Registry();
  const gauge = <Label extends string>(name: string, help: string, ...labelNames: Label[]) =>
    new Gauge<Label>({ name: `concierge_storage_${name}`, help, labelNames, registers: [registry] });
  const rows = gauge('rows', 'Rows, by the statistics of PostgreSQL', 'table', 'state');
  const bytes = gauge('bytes', 'Size on disk', 'table', 'part');
  for (const [table, figures] of Object.entries({ tokens, artifacts })) {
    rows.set({ table, state: 'live' }, figures.live);
    rows.set({ table, state: 'expired' }, figures.expired);
    for (const [part, size] of Object.entries(figures.bytes)) {
      bytes.set({ table, part }, size);
    }
  }
  const kinds = gauge('artifacts', 'Artifacts of a kind, expired ones included', 'kind');
  for (const [kind, count] of Object.entries(artifacts.kinds)) {
    kinds.set({ kind }, count);
  }
  gauge('partitions', 'Partitions of tokens').set(tokens.partitions);
  gauge('purge_lag_seconds', 'Time since the oldest row expired that is still there').set(purgeLag);
  if (growth !== undefined) {
    gauge('growth_bytes_per_day', 'As of the last seven days').set(growth.bytesPerDay);
    gauge('projected_bytes', 'Size in 30 days').set(growth.projectedBytes);
  }
  return registry.metrics();
}
