import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ejs from 'ejs';
import type { Middleware, ParameterizedContext } from 'koa';
import { type Languages, loadLanguages, type Translate } from '../languages/languages.ts';
import { loadAssets } from './assets.ts';
import { languageOf } from './language-of-page.ts';

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
  /** A client's logo, an https URL: the one image from elsewhere that this page may show. */
  readonly logo?: string | undefined;
}

export interface Page {
  /** What words are in on this page: see languages/languages.ts. */
  translate(ctx: ParameterizedContext): Translate;
  /** Answers with `views/<view>.ejs`. In the template, the locals are the properties of `view`, and `view.t` has the words. */
  render(ctx: ParameterizedContext, view: string, locals: object, options: PageOptions): void;
  /** Serves `views/assets`. */
  readonly assets: Middleware;
}

type Template = (locals: object) => string;

const VIEWS = fileURLToPath(new URL('../../../views', import.meta.url));

/** Compiles every view, so that one that does not compile stops the boot instead of a visitor. */
export function createPage(directory: string = VIEWS, languages: Languages = loadLanguages()): Page {
  const templates = compileViews(directory);
  const assets = loadAssets(join(directory, 'assets'));
  const layout = template(templates, 'partials/layout');
  const shared = {
    stylesheet: assets.url('concierge.css'),
    icon: assets.url('bell.svg'),
  };
  const scriptsOf = ({ scripts = [] }: PageOptions) => ['submit-once.js', ...scripts].map((name) => assets.url(name));

  const translate = (ctx: ParameterizedContext) => languages(languageOf(ctx));

  return {
    assets: assets.middleware,
    translate,
    render(ctx, view, locals, options) {
      const t = translate(ctx);
      const body = template(templates, view)({ ...locals, t, root: ctx.mountPath });
      const html = layout({
        ...shared,
        root: ctx.mountPath,
        title: options.title,
        scripts: scriptsOf(options),
        body,
        t,
      });
      if (options.status !== undefined) {
        ctx.status = options.status;
      }
      ctx.set(headersOf(options));
      ctx.type = 'html';
      ctx.body = html;
    },
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
