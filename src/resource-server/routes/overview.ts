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
    return `<tr><td><code>${method} ${path}</code><br>${does}</td><td>${scopes}</td><td>${callers.join(', ')}</td></tr>`;
  });
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Concierge resource API</title>
<style>${STYLE}</style>
<main>
<h1>Concierge resource API</h1>
<p>It keeps records and blobs for those who bring an access token from <code>${escapeHtml(issuer)}</code>,
in the header <code>Authorization: Bearer …</code>, and asks that server about every token it is shown.</p>
<table>
<thead><tr><th scope="col">Endpoint</th><th scope="col">Scope</th><th scope="col">For whom</th></tr></thead>
<tbody>${rows.join('\n')}</tbody>
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
