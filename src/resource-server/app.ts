import Koa from 'koa';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { Guard } from './guard/guard.ts';
import { crossOrigin } from './http/cross-origin.ts';
import { refuseForms } from './http/refuse-forms.ts';
import { refuseUnrouted } from './http/refuse-unrouted.ts';
import { renderErrors } from './http/render-errors.ts';
import { requestLog } from './http/request-log.ts';
import { originFormTarget } from './http/request-target.ts';
import { securityHeaders } from './http/security-headers.ts';
import { blobHandlers } from './routes/blobs.ts';
import { healthRoutes } from './routes/health.ts';
import { overviewRoutes } from './routes/overview.ts';
import { recordHandlers } from './routes/records.ts';
import { reportHandlers } from './routes/reports.ts';
import { createRouter } from './routes/router.ts';
import { whoamiHandlers } from './routes/whoami.ts';
import { BlobStore } from './storage/blobs.ts';
import { RecordStore } from './storage/records.ts';
import { ReportStore } from './storage/reports.ts';

/** What people know it by. */
export const API_NAME = 'Concierge resource API';

export interface ResourceApiDependencies {
  readonly pool: Pool;
  readonly guard: Guard;
  /** Its RFC 8707 resource indicator. */
  readonly identifier: string;
  /** The authorization server whose word counts. */
  readonly issuer: string;
  readonly allowedOrigins: readonly string[];
  readonly blobLimitBytes: number;
  readonly logger: Logger;
}

/** A resource server (RFC 6749 §1.1) that knows its authorization server by URL and by nothing else. */
export function createResourceApi(dependencies: ResourceApiDependencies): Koa {
  const { pool, guard, identifier, issuer, allowedOrigins, blobLimitBytes, logger } = dependencies;

  const app = new Koa();
  // A body that fails half-way: the connection is cut already, and there is nothing left to answer.
  app.on('error', (err, ctx) => logger.warn({ requestId: ctx?.state.requestId, err }, 'response broke off'));

  app.use(requestLog(logger));
  app.use(securityHeaders(identifier));
  app.use(renderErrors(logger));
  app.use(originFormTarget);
  app.use(guard.metadata);
  app.use(crossOrigin(allowedOrigins));
  app.use(refuseForms(guard.refuse));

  app.use(overviewRoutes(identifier, issuer, guard.metadataUrl).routes());
  app.use(healthRoutes(pool).routes());
  const handlers = {
    ...recordHandlers(new RecordStore(pool)),
    ...blobHandlers(new BlobStore(pool), blobLimitBytes),
    ...reportHandlers(new ReportStore(pool)),
    ...whoamiHandlers,
  };
  app.use(createRouter(guard, handlers).routes());
  app.use(refuseUnrouted);
  return app;
}
