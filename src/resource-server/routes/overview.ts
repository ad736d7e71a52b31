import { createHash } from 'node:crypto';
import Router from '@koa/router';
import { ENDPOINTS, type Endpoint } from './endpoints.ts';

const ROWS = Object.entries<Endpoint>(ENDPOINTS).map(([name, { scope, callers, does }]) => {
  const [method = '', path = ''] = name.split(' ');
  return { method, path, scope: scope === '' ? null : scope, callers, does };
});

const STYLE = `
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
body { max-width: 48rem; margin: 3rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
th, td { padding: .4rem .8rem .4rem 0; text-align: start; vertical-align: top; border-bottom: 1px solid #8884 }
code { overflow-wrap: anywhere }
@media (max-width: 34rem) {
  body { margin-block: 1.5rem }
  thead { position: absolute; clip-path: inset(50%) }
  tr { display: block; padding: .6rem 0; border-bottom: 1px solid #8884 }
  td { display: block; padding: 0; border: 0 }
}
`;
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
    const cells = [`<strong><code>${method} ${path}</code></strong><br>${does}`, scopes, callers.join(', ')];
    return `<tr role="row">${cells.map((cell) => `<td role="cell">${cell}</td>`).join('')}</tr>`;
  });
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Concierge resource API</title>
<style>${STYLE}</style>
<main>
<h1>Concierge resource API</h1>
<p>It keeps records and files for those who bring an access token from <code>${escapeHtml(issuer)}</code>, in the header
<code>Authorization: Bearer …</code>. That server says whether a token is good, what it is good for, and whose it is.</p>
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
