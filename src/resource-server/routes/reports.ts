import { z } from 'zod';
import { Refusal } from '../guard/refusal.ts';
import { readJson } from '../http/read-body.ts';
import { reachOf } from '../owner.ts';
import { REPORTS, type Report } from '../storage/report-catalogue.ts';
import { CannotReport, type ReportStore } from '../storage/reports.ts';
import type { Handlers } from './router.ts';

/** Owners that the overview names at most. */
const MOST_OWNERS = 200;

export function reportHandlers(
  reports: ReportStore,
): Handlers<'GET /reports' | 'POST /reports/:name/run' | 'GET /admin/owners'> {
  return {
    'GET /reports': (ctx) => {
      ctx.body = { reports: [...REPORTS].map(([name, report]) => present(name, report)) };
    },

    'POST /reports/:name/run': async (ctx) => {
      const { name = '' } = ctx.params;
      const report = REPORTS.get(name) ?? refuseUnknown();
      const parameters = await readJson(ctx, report.parameters);
      const { columns, rows, truncated } = await reports
        .run(report, parameters, reachOf(ctx.state.token))
        .catch(answerBusy);
      ctx.body = { report: name, parameters, columns, rows, truncated, ran_at: new Date().toISOString() };
    },

    'GET /admin/owners': async (ctx) => {
      const holdings = await reports.holdings(MOST_OWNERS).catch(answerBusy);
      ctx.body = { owners: holdings.map(({ latest, ...kept }) => ({ ...kept, latest: latest.toISOString() })) };
    },
  };
}

function present(name: string, { description, parameters }: Report) {
  const { properties } = z.toJSONSchema(parameters, { io: 'input' });
  return { name, description, parameters: properties };
}

function refuseUnknown(): never {
  const description = `There is no such report. There are ${[...REPORTS.keys()].join(', ')}.`;
  throw new Refusal({ status: 404, code: 'not_found', description });
}

function answerBusy(error: unknown): never {
  if (!(error instanceof CannotReport)) {
    throw error;
  }
  const headers = { 'retry-after': '2' };
  throw new Refusal({
    status: 503,
    code: 'temporarily_unavailable',
    description: error.message,
    headers,
    cause: error,
  });
}
