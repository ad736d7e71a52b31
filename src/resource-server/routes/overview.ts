import { createHash } from 'node:crypto';
import Router from '@koa/router';

const ENDPOINTS = [
  { method: 'GET', path: '/records', scope: 'records:read', does: 'list your records, newest first (limit, cursor)' },
  { method: 'POST', path: '/records', scope: 'records:write', does: 'create a record from {"title", "body"}' },
  { method: 'GET', path: '/records/:id', scope: 'records:read', does: 'one record' },
  { method: 'PUT', path: '/records/:id', scope: 'records:write', does: 'replace its title and body' },
  { method: 'DELETE', path: '/records/:id', scope: 'records:write', does: 'delete it' },
  { method: 'POST', path: '/blobs', scope: 'blobs:write', does: 'store the raw bytes of the body' },
  { method: 'GET', path: '/blobs/:id', scope: 'blobs:read', does: 'those bytes again' },
  { method: 'GET', path: '/whoami', scope: null, does: 'what is known about the bearer of the token' },
] as const;

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
        endpoints: ENDPOINTS,
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
  const rows = ENDPOINTS.map(
    ({ method, path, scope, does }) =>
      `<tr><td><code>${method} ${path}</code></td><td>${scope === null ? 'any' : `<code>${scope}</code>`}</td><td>${does}</td></tr>`,
  );
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
<thead><tr><th scope="col">Endpoint</th><th scope="col">Scope</th><th scope="col">What it does</th></tr></thead>
<tbody>${rows.join('\n')}</tbody>
</table>
</main>
</html>
`;
}

function escapeHtml(value: string): string {
  return value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
