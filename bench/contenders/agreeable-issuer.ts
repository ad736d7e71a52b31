/** An authorization server as far as a guard can tell: it knows every token, each of them somebody else's. */
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { API } from '../directory.ts';

const port = Number(process.env.BENCH_PORT);
const issuer = `http://localhost:${port}`;
const metadata = { issuer, introspection_endpoint: `${issuer}/token/introspection` };

createServer(async (request, response) => {
  const form = new URLSearchParams(await text(request));
  const known = request.method === 'POST' || request.url === '/.well-known/oauth-authorization-server';
  response.writeHead(known ? 200 : 404, { 'content-type': 'application/json' });
  response.end(JSON.stringify(request.method === 'POST' ? answerTo(form.get('token') ?? '') : metadata));
}).listen(port, '127.0.0.1');

/** As long as what the product says. */
function answerTo(token: string) {
  return {
    active: true,
    token_type: 'Bearer',
    iss: issuer,
    aud: API,
    sub: `account-${token}`,
    client_id: 'web-0',
    username: `${token}@bench.example`,
    scope: 'openid profile records:read',
    exp: Math.floor(Date.now() / 1000) + 3600,
    jti: `token-${token}`,
    grant_id: `grant-${token}`,
    sid: `session-${token}`,
  };
}
