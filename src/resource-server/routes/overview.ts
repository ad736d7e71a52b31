import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import Router from '@koa/router';
import { ENDPOINTS, type Endpoint } from './endpoints.ts';

const ROWS = Object.entries<Endpoint>(ENDPOINTS).map(([name, { scope, callers, does }]) => {
  const [method = '', path = ''] = name.split(' ');
  return { method, path, scope: scope === '' ? null : scope, callers, does };
});

const STYLE = `
:root {
  color-scheme: light dark;
  font: 1rem/1.55 Inter, system-ui, sans-serif;
  --line: light-dark(#e4e0d7, #2a322f);
  --muted: light-dark(#59615c, #a5afa9);
}
body { max-width: 54rem; margin: 0 auto; padding: 3rem 1rem; background: light-dark(#f6f4ef, #0f1312); color: light-dark(#1b1f1d, #eef1ee) }
main { padding: 2rem; border: 1px solid var(--line); border-radius: 14px; background: light-dark(#fff, #181e1c) }
h1 { display: flex; align-items: center; gap: .75rem; margin: 0 0 1rem; font-size: 1.75rem; line-height: 1.15; letter-spacing: -.025em; text-wrap: balance }
svg { flex: none; width: 2.25rem }
p { max-width: 62ch; margin: 0 0 1rem; text-wrap: pretty }
table { border-collapse: collapse; width: 100%; margin-top: 1.75rem; font-size: .94rem }
th, td { padding: .6rem 1.25rem .6rem 0; border-bottom: 1px solid var(--line); text-align: start; vertical-align: top }
th { color: var(--muted); font-weight: 600 }
tbody tr:last-child td { border: 0 }
code { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: .87em; overflow-wrap: anywhere }
small { display: block; color: var(--muted); font-size: .94em }
small::first-letter { text-transform: uppercase }
@media (max-width: 34rem) {
  body { padding: 1rem .5rem }
  main { padding: 1.25rem 1rem }
  h1 { font-size: 1.4rem }
  table { margin-top: 1rem }
  thead { position: absolute; clip-path: inset(50%) }
  tr { display: block; padding: .8rem 0; border-bottom: 1px solid var(--line) }
  tbody tr:last-child { border: 0; padding-bottom: 0 }
  td { display: block; padding: 0; border: 0 }
  td[data-head]::before { content: attr(data-head) ": " / ""; color: var(--muted) }
}
`;
/** The bell of the product, as it is at the head of its other pages. */
const BELL = readFileSync(new URL('../../../views/assets/bell.svg', import.meta.url), 'utf8').replace(
  '<svg',
  '<svg aria-hidden="true"',
);
const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

/** For whoever opens the API's address: what this is, and what there is. */
export function overviewRoutes(identifier: string, issuer: string, resourceMetadata: string | undefined): Router {
  const router = new Router();
  router.get('/', (ctx) => {
    ctx.vary('Accept');
    if (ctx.accepts('json', 'html') !== 'html') {
      ctx.body = {
        name: 'Concierge resource API',
        resource: identifier,
        authorization_server: issuer,
        resource_metadata: resourceMetadata,
        endpoints: ROWS,
      };
      return;
    }
    ctx.set('Content-Security-Policy', `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; frame-ancestors 'none'`);
    ctx.type = 'html';
    ctx.body = page(issuer);
  });
  return router;
}

function page(issuer: string): string {
  const rows = ROWS.map(({ method, path, scope, callers, does }) => {
    const scopes = scope === null ? 'any token' : code(scope.split(' '));
    const what = `<td role="cell"><strong><code>${method} ${path}</code></strong><small>${does}</small></td>`;
    const who = `<td role="cell" data-head="For whom">${callers.join(', ')}</td>`;
    return `<tr role="row">${what}<td role="cell" data-head="Scope">${scopes}</td>${who}</tr>`;
  });
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Concierge resource API</title>
<style>${STYLE}</style>
<main>
<h1>${BELL}Concierge resource API</h1>
<p>It keeps records and files for those who bring an access token from <code>${escapeHtml(issuer)}</code>, in the header
<code>Authorization: Bearer</code>. That server says whether a token is good, what it is good for, and whose it is.</p>
<p>A scope says what an app may do for somebody; the role of that somebody says what they may do here at all. A client is an
app that acts for itself. Everybody deals with what is theirs, and an admin with everything.</p>
<table role="table">
<thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">Endpoint</th><th role="columnheader" scope="col">Scope</th><th role="columnheader" scope="col">For whom</th></tr></thead>
<tbody role="rowgroup">${rows.join('\n')}</tbody>
</table>
</main>
</html>
`;
}

function code(words: readonly string[]): string {
  return words.map((word) => `<code>${word}</code>`).join(' and ');
}

function escapeHtml(value: string): string {
  return value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
