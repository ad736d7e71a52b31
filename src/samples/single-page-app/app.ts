import { readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import Router from '@koa/router';
import ejs from 'ejs';
import Koa, { type Middleware } from 'koa';
import { securityHeaders } from './security.ts';
import { type TokenHandlerOptions, tokenHandler } from './token-handler.ts';

export interface SinglePageAppOptions extends Omit<TokenHandlerOptions, 'report'> {
  readonly resourceApi: string;
}

const VIEWS = new URL('../../../views/samples/', import.meta.url);
const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};

/** A page that is scripts, and beside it a token handler: the backend for this frontend. */
export function createSinglePageApp({ resourceApi, ...options }: SinglePageAppOptions): Koa {
  const app = new Koa();
  app.use(securityHeaders(resourceApi));
  app.use(answerErrors);
  app.use(tokenHandler({ ...options, report: (problem) => app.emit('error', problem) }).routes());
  app.use(pageRoutes(resourceApi, options.issuer).routes());
  return app;
}

/** One page for every path that the page's own router may know; reloading any of them works. */
function pageRoutes(resourceApi: string, issuer: string): Router {
  const filename = fileURLToPath(new URL('single-page-app/page.ejs', VIEWS));
  const page = ejs.compile(readFileSync(filename, 'utf8'), { filename })({ page: { resourceApi, issuer } });
  const assets = loadAssets();
  const router = new Router();
  router.get('/assets/:name', (ctx) => {
    const content = assets.get(ctx.params.name ?? '') ?? ctx.throw(404, 'There is no such file.');
    ctx.set('cache-control', 'no-cache');
    ctx.type = TYPES[extname(ctx.params.name ?? '')] ?? '';
    ctx.body = content;
  });
  router.get('/{*path}', (ctx) => {
    ctx.body = page;
  });
  return router;
}

/** By name and from memory: no path of a request reaches the file system. */
function loadAssets(): ReadonlyMap<string, string> {
  const folder = new URL('single-page-app/assets/', VIEWS);
  const read = (file: URL) => readFileSync(file, 'utf8');
  return new Map([
    ...readdirSync(folder).map((name) => [name, read(new URL(name, folder))] as const),
    ['sample.css', read(new URL('sample.css', VIEWS))],
    ['bell.svg', read(new URL('../assets/bell.svg', VIEWS))],
  ]);
}

/** In JSON, for the page's script; what nobody foresaw goes to the log, and nothing of it to the browser. */
const answerErrors: Middleware = async (ctx, next) => {
  try {
    await next();
  } catch (error) {
    const refused = error instanceof Koa.HttpError && error.status < 500;
    ctx.status = refused ? error.status : 503;
    ctx.body = { error: refused ? error.message : 'unavailable' };
    if (!refused) {
      ctx.app.emit('error', error, ctx);
    }
  }
};
