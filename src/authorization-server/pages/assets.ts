import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Middleware } from 'koa';

export interface Assets {
  /** The URL that changes with the content, so that browsers may keep what they got for ever. */
  url(name: string): string;
  readonly middleware: Middleware;
}

interface Asset {
  readonly type: string;
  readonly body: Buffer;
  /** A quarter as long, for whoever takes it; `undefined` where it would be no shorter. */
  readonly gzipped: Buffer | undefined;
}

/** Opened by itself an SVG is a document, and one that an operator was given may have a script in it: none runs here. */
const SVG_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox";

/** By name. */
export type AssetFiles = Readonly<Record<string, Buffer>>;

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.jpg': 'image/jpeg',
  '.js': 'text/javascript; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.webp': 'image/webp',
};

/**
 * Reads every file of the directory once, and takes some more; a type that is not listed above is a mistake that must not
 * wait for a visitor.
 */
export function loadAssets(directory: string, more: AssetFiles = {}): Assets {
  const urls = new Map<string, string>();
  const assets = new Map<string, Asset>();
  const read = readdirSync(directory).map((name) => [name, readFileSync(join(directory, name))] as const);
  for (const [name, body] of [...read, ...Object.entries(more)]) {
    const extension = extname(name);
    const type = TYPES[extension];
    if (type === undefined) {
      throw new Error(`${join(directory, name)}: no content type is known for ${extension}`);
    }
    const hash = createHash('sha256').update(body).digest('base64url').slice(0, 12);
    const url = `/assets/${name.slice(0, -extension.length)}.${hash}${extension}`;
    urls.set(name, url);
    const gzipped = gzipSync(body, { level: 9 });
    assets.set(url, { type, body, gzipped: gzipped.length < body.length ? gzipped : undefined });
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
    if (asset.type === TYPES['.svg']) {
      ctx.set('Content-Security-Policy', SVG_POLICY);
    }
    ctx.type = asset.type;
    ctx.vary('Accept-Encoding');
    if (asset.gzipped !== undefined && ctx.acceptsEncodings('gzip', 'identity') === 'gzip') {
      ctx.set('Content-Encoding', 'gzip');
      ctx.body = asset.gzipped;
    } else {
      ctx.body = asset.body;
    }
  };
}
