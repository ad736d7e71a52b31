import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Koa from 'koa';
import { afterEach, describe, expect, it } from 'vitest';
import { scriptsBesideOurs } from '../../testing/markup.ts';
import { testPage } from '../../testing/page.ts';
import type { Brand } from '../brand/brand.ts';
import type { Page, PageOptions } from './page.ts';

const VIEWS = fileURLToPath(new URL('../../../views', import.meta.url));

const cleanUps: (() => void)[] = [];
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) {
    cleanUp();
  }
});

function copyOfViews(): string {
  const directory = mkdtempSync(join(tmpdir(), 'views-'));
  cleanUps.push(() => rmSync(directory, { recursive: true }));
  cpSync(VIEWS, directory, { recursive: true });
  return directory;
}

const ERROR = { code: 'x', words: { title: 'Oh', words: 'no' }, description: undefined };

/** A server that answers every request with the error view. */
async function serve(
  locals: object = ERROR,
  options: PageOptions = { title: 'Oh' },
  page: Page = testPage(),
): Promise<string> {
  const app = new Koa();
  app.use(page.assets);
  app.use((ctx) => page.render(ctx, 'error', locals, options));
  const server = app.listen(0, 'localhost');
  cleanUps.push(() => void server.close());
  await once(server, 'listening');
  return `http://localhost:${(server.address() as AddressInfo).port}`;
}

describe('the views', () => {
  it('all compile', () => {
    expect(() => testPage()).not.toThrow();
  });

  it('stop the boot when one of them does not compile', () => {
    const directory = copyOfViews();
    writeFileSync(join(directory, 'partials/new.ejs'), '<% if ( { %>');
    expect(() => testPage({ views: directory })).toThrow(/new\.ejs/);
  });

  it('stop the boot when an asset has no known type', () => {
    const directory = copyOfViews();
    writeFileSync(join(directory, 'assets/tracker.wasm'), '');
    expect(() => testPage({ views: directory })).toThrow(/tracker\.wasm/);
  });

  it('C94: escape what is put into them', async () => {
    const words = { title: '<script>alert(1)</script>', words: '"><img src=x onerror=alert(1)>' };
    const html = await (await fetch(await serve({ ...ERROR, words }, { title: words.title }))).text();
    expect(scriptsBesideOurs(html)).toEqual([]);
    expect(html).not.toContain('<img');
    expect(html).toContain('&lt;script&gt;');
  });

  it('treat options of the template engine among the locals as data', async () => {
    const hostile = {
      ...ERROR,
      settings: { 'view options': { outputFunctionName: 'x;throw new Error("run");s', client: true } },
      outputFunctionName: 'x;throw new Error("run");s',
      client: undefined,
      escapeFunction: 'throw new Error("run")',
    };
    expect((await fetch(await serve(hostile))).status).toBe(200);
  });
});

describe('the headers of a page', () => {
  it('C53 C89: keep it out of caches, frames and referrers, and let it load nothing from elsewhere', async () => {
    const { headers } = await fetch(await serve());
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('cross-origin-opener-policy')).toBe('same-origin');
    expect(headers.get('content-security-policy')).toBe(
      "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'",
    );
  });

  it('let the redirects of a flow through to the client, and its popup keep its opener', async () => {
    const { headers } = await fetch(await serve(ERROR, { title: 'Oh', withinFlow: true }));
    expect(headers.get('content-security-policy')).not.toContain('form-action');
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(headers.get('cross-origin-opener-policy')).toBe('unsafe-none');
  });

  it('let the forms of a page of ours end here and nowhere else', async () => {
    const { headers } = await fetch(await serve(ERROR, { title: 'Oh', hasForms: true }));
    expect(headers.get('content-security-policy')).toMatch(/; form-action 'self'$/);
    expect(headers.get('cross-origin-opener-policy')).toBe('same-origin');
  });

  it('allow the logo of one client by its origin alone', async () => {
    const logo = "https://rp.example/logo.png?;script-src 'unsafe-inline'";
    const { headers } = await fetch(await serve(ERROR, { title: 'Oh', logo }));
    expect(headers.get('content-security-policy')).toContain("img-src 'self' https://rp.example; base-uri");
  });
});

describe('an asset', () => {
  it('that is a script is loaded by the pages that ask for it', async () => {
    const scripts = async (names: readonly string[]) => {
      const answer = await fetch(await serve(ERROR, { title: 'Oh', scripts: names }));
      return [...(await answer.text()).matchAll(/<script src="([^"]*)" defer>/g)].map(([, url]) => url);
    };
    const submitOnce = expect.stringMatching(/^\/assets\/submit-once\.[\w-]{12}\.js$/);
    expect(await scripts([])).toEqual([submitOnce]);
    expect(await scripts(['submit-once.js'])).toEqual([submitOnce, submitOnce]);
  });

  it('is linked by a URL that changes with its content and may be cached for ever', async () => {
    const origin = await serve();
    const html = await (await fetch(origin)).text();
    const url = html.match(/href="(\/assets\/concierge\.[\w-]{12}\.css)"/)?.[1];
    const response = await fetch(origin + url);
    expect(response.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(response.headers.get('content-type')).toBe('text/css; charset=utf-8');
    expect(await response.text()).toContain('prefers-color-scheme: dark');
  });

  it('travels compressed to whoever takes that', async () => {
    const origin = await serve();
    const url = (await (await fetch(origin)).text()).match(/href="(\/assets\/concierge[^"]*)"/)?.[1];
    const answers = await Promise.all(
      ['gzip, br', 'identity', 'gzip;q=0'].map((encodings) =>
        fetch(origin + url, { headers: { 'accept-encoding': encodings } }),
      ),
    );
    expect(answers.map(({ headers }) => headers.get('content-encoding'))).toEqual(['gzip', null, null]);
    expect(answers.map(({ headers }) => headers.get('vary'))).toEqual(Array(3).fill('Accept-Encoding'));
    const [gzipped, plain] = await Promise.all(answers.map((answer) => answer.text()));
    expect(gzipped).toBe(plain);
    expect(Number(answers[0]?.headers.get('content-length'))).toBeLessThan((plain?.length ?? 0) / 3);
  });
});

describe('a brand', () => {
  const SVG = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>');
  const BRAND: Brand = {
    name: 'Example & Co',
    logo: { extension: '.svg', content: SVG },
    css: ':root { --accent: #0000ff; }',
  };

  it('names every page, and shows its logo', async () => {
    const html = await (await fetch(await serve(ERROR, { title: 'Oh' }, testPage({ brand: BRAND })))).text();
    expect(html).toContain('<title>Oh · Example &amp; Co</title>');
    expect(html).toMatch(/<img class="brand-logo" src="\/assets\/brand-logo\.[\w-]{12}\.svg" alt="Example &amp; Co">/);
    expect(html).toMatch(/<link rel="icon" href="\/assets\/brand-logo\.[\w-]{12}\.svg">/);
    expect(html).not.toContain('Concierge');
  });

  it('lays its stylesheet over ours', async () => {
    const origin = await serve(ERROR, { title: 'Oh' }, testPage({ brand: BRAND }));
    const html = await (await fetch(origin)).text();
    const sheets = [...html.matchAll(/<link rel="stylesheet" href="([^"]*)">/g)].map(([, url]) => url);
    expect(sheets).toEqual([
      expect.stringContaining('/concierge.'),
      expect.stringMatching(/^\/assets\/brand\.[\w-]{12}\.css$/),
    ]);
    expect(await (await fetch(origin + sheets[1])).text()).toBe(BRAND.css);
  });

  it('C94: has a logo in which no script runs, opened by itself', async () => {
    const origin = await serve(ERROR, { title: 'Oh' }, testPage({ brand: BRAND }));
    const [, url] = (await (await fetch(origin)).text()).match(/src="(\/assets\/brand-logo[^"]*)"/) ?? [];
    const { headers } = await fetch(origin + url);
    expect(headers.get('content-type')).toBe('image/svg+xml');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toMatch(/^default-src 'none';.*; sandbox$/);
  });
});
