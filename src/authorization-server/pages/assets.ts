import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { Middleware } from 'koa';

export interface Assets {
  /** The URL that changes with the content, so that browsers may keep what they got for ever. */
  url(name: string): string;
  readonly middleware: Middleware;
}

interface Asset {
  readonly type: string;
  readonly body: Buffer;
}

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.webp': 'image/webp',
};

/** Reads every file of the directory once; a type that is not listed above is a mistake that must not wait for a visitor. */
export function loadAssets(directory: string): Assets {
  const urls = new Map<string, string>();
  const assets = new Map<string, Asset>();
  for (const name of readdirSync(directory)) {
    const extension = extname(name);
    const type = TYPES[extension];
    if (type === undefined) {
      throw new Error(`${join(directory, name)}: no content type is known for ${extension}`);
    }
    const body = readFileSync(join(directory, name));
    const hash = createHash('sha256').update(body).digest('base64url').slice(0, 12);
    const url = `/assets/${name.slice(0, -extension.length)}.${hash}${extension}`;
    urls.set(name, url);
    assets.set(url, { type, body });
  }
  return { url: (name) => urlOf(urls, name), middleware: serve(assets) };
}

function urlOf(urls: ReadonlyMap<string, string>, name: string): string {
  const url = urls.get(name);
  if (url === undefined) {
    throw new Error(`there is no asset ${name}`);
  }
  return url;
}

function serve(assets: ReadonlyMap<string, Asset>): Middleware {
  return async (ctx, next) => {
    const asset = ctx.method === 'GET' || ctx.method === 'HEAD' ? assets.get(ctx.path) : undefined;
    if (asset === undefined) {
      return next();
    }
    ctx.set('Cache-Control', 'public, max-age=31536000, immutable');
    ctx.set('X-Content-Type-Options', 'nosniff');
    ctx.type = asset.type;
    ctx.body = asset.body;
  };
}
