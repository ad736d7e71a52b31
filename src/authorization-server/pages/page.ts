import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ejs from 'ejs';
import type { Middleware, ParameterizedContext } from 'koa';
import type { Brand } from '../brand/brand.ts';
import type { Language, Languages, Translate } from '../languages/languages.ts';
import { type Assets, loadAssets } from './assets.ts';
import { languageChoices, languageOf } from './language-of-page.ts';

export interface PageOptions {
  readonly title: string;
  /** Left alone when absent. */
  readonly status?: number;
  /**
   * A page in the middle of a client's flow: its forms end, through redirects, at the client, and a client may have
   * opened it in a popup.
   */
  readonly withinFlow?: boolean;
  /** A page of our own whose forms end at this server, whatever they redirect to. Without this and outside a flow: no forms. */
  readonly hasForms?: boolean;
  /** Assets that this page loads besides what every page has: `['passkey.js']`. */
  readonly scripts?: readonly string[];
  /**
   * Where a page that answers a form is asked for again, to be read in another language: `/requests`. Without it such a page
   * offers none.
   */
  readonly address?: string;
  /** A client's logo, an https URL: the one image from elsewhere that this page may show. */
  readonly logo?: string | undefined;
}

export interface Page {
  /** The operator's name for all this. */
  readonly brand: string;
  /** What words are in on this page: see languages/languages.ts. */
  translate(ctx: ParameterizedContext): Translate;
  /** Answers with `views/<view>.ejs`. In the template, the locals are the properties of `view`, and `view.t` has the words. */
  render(ctx: ParameterizedContext, view: string, locals: object, options: PageOptions): void;
  /** Serves `views/assets`, and what the brand brings. */
  readonly assets: Middleware;
}

export interface PageDeps {
  readonly languages: Languages;
  /** Of who asks for none that there is. */
  readonly defaultLanguage: Language;
  readonly brand: Brand;
  /** Ours, unless told. */
  readonly views?: string;
}

type Template = (locals: object) => string;

const VIEWS = fileURLToPath(new URL('../../../views', import.meta.url));

/** Compiles every view, so that one that does not compile stops the boot instead of a visitor. */
export function createPage({ languages, defaultLanguage, brand, views = VIEWS }: PageDeps): Page {
  const templates = compileViews(views);
  const { logo, css } = brand;
  const assets = loadAssets(join(views, 'assets'), {
    ...(logo && { [`brand-logo${logo.extension}`]: logo.content }),
    ...(css !== '' && { 'brand.css': Buffer.from(css) }),
  });
  const layout = template(templates, 'partials/layout');
  const head = headOf(brand, assets);
  const translate = (ctx: ParameterizedContext) => languages(languageOf(ctx, defaultLanguage));

  return {
    brand: brand.name,
    assets: assets.middleware,
    translate,
    render(ctx, view, locals, options) {
      const { title, scripts = [], status } = options;
      const shared = { t: translate(ctx), root: ctx.mountPath, brand: head.brand };
      const body = template(templates, view)({ ...locals, ...shared });
      const html = layout({
        ...shared,
        ...head,
        title,
        scripts: ['submit-once.js', ...scripts].map((name) => assets.url(name)),
        body,
        choices: languageChoices(ctx, shared.t.language, options.address),
      });
      if (status !== undefined) {
        ctx.status = status;
      }
      ctx.set(headersOf(options));
      ctx.type = 'html';
      ctx.body = html;
    },
  };
}

/** What of the layout is the same on every page. */
function headOf({ name, logo, css }: Brand, assets: Assets) {
  const picture = logo === undefined ? undefined : assets.url(`brand-logo${logo.extension}`);
  return {
    brand: { name, logo: picture },
    icon: picture ?? assets.url('bell.svg'),
    stylesheets: [assets.url('concierge.css'), ...(css === '' ? [] : [assets.url('brand.css')])],
  };
}

function template(templates: ReadonlyMap<string, Template>, name: string): Template {
  const found = templates.get(name);
  if (found === undefined) {
    throw new Error(`there is no view ${name}`);
  }
  return found;
}

/** The playground is another process and compiles its own views. */
export function compileViews(directory: string): ReadonlyMap<string, Template> {
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ejs') && !file.startsWith('playground'),
  );
  return new Map(files.map((file) => [file.slice(0, -'.ejs'.length), compile(directory, file)]));
}

/**
 * Without `with` and under a fixed name the locals are plain data: a key that looks like an EJS option (`settings`,
 * `client`, `outputFunctionName`: CVE-2022-29078) never reaches the compiler, whoever chose it. Controllers still
 * build every locals object themselves and never pass on a query or a body.
 */
function compile(directory: string, file: string): Template {
  const filename = join(directory, file);
  return ejs.compile(readFileSync(filename, 'utf8'), {
    filename,
    root: directory,
    cache: true,
    client: false,
    _with: false,
    localsName: 'view',
  });
}

function headersOf({ withinFlow = false, hasForms = false, logo }: PageOptions): Record<string, string> {
  return {
    'Cache-Control': 'no-store',
    'Content-Security-Policy': contentSecurityPolicy({ withinFlow, hasForms, logo }),
    // A client that opened the sign-in page in a popup waits for the popup to come back to it: any isolation would cut
    // the two apart for good (also same-origin-allow-popups, which speaks of popups that *we* open).
    'Cross-Origin-Opener-Policy': withinFlow ? 'unsafe-none' : 'same-origin',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
  };
}

/**
 * No `form-action` within a flow: Chromium holds the whole redirect chain after a form's POST to it, so `'self'` makes
 * "Approve" do nothing, and naming the client's origin still breaks a client whose callback redirects on to another
 * one. What it would stop, a form smuggled into the page, is stopped by escaping every value and by loading nothing.
 */
function contentSecurityPolicy({ withinFlow, hasForms, logo }: Omit<PageOptions, 'title'>): string {
  const images = logo === undefined ? "'self'" : `'self' ${new URL(logo).origin}`;
  return [
    "default-src 'none'",
    "style-src 'self'",
    // Files of views/assets and nothing else: no script stands in a page.
    "script-src 'self'",
    `img-src ${images}`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
    ...(withinFlow ? [] : [`form-action ${hasForms ? "'self'" : "'none'"}`]),
  ].join('; ');
}
