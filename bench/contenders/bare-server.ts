/**
 * (F): node:http and nothing else. It parses, compares the hash of the secret and asks the product's own store, so the
 * row, the read and the batches are the same; everything between the socket and the store is gone. What an
 * authorization server could not do without is gone with it: this is where the floor lies, not something to run.
 *
 * Static documents are the product's, byte by byte, from a buffer.
 */
import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { hashSecret, verifySecret } from '../../src/authorization-server/clients/secret.ts';
import { createTokenId, slotOf } from '../../src/authorization-server/storage/token-slot.ts';
import { ACCOUNTS, API, API_CLIENT, CODE_SCOPE, JWT_API, MACHINES, WEB_CLIENTS } from '../directory.ts';
import { Browser } from '../load/browser.ts';
import { Connection } from '../load/connection.ts';
import { get, pick } from '../load/requests.ts';
import { openStorage } from './store-adapter.ts';

const { BENCH_PORT: port, BENCH_MIRROR_PORT: mirror, DATABASE_URL: databaseUrl = '' } = process.env;
const LIFETIME = 3600;
const PATHS_OF_DOCUMENTS = ['/.well-known/openid-configuration', '/jwks'];

const secretHashes = new Map([...MACHINES, API_CLIENT].map(({ clientId, secret }) => [clientId, hashSecret(secret)]));
const { adapter } = await openStorage(databaseUrl);
const [machineTokens, accessTokens] = [adapter('ClientCredentials'), adapter('AccessToken')];
const documents = new Map<string, Buffer>();
const signInPage = await mirrorProduct();
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const signingKey = createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' }));
const jwtHeader = encode({ alg: 'ES256', typ: 'at+jwt', kid: 'bare' });

createServer({ keepAliveTimeout: 5_000 }, (request, response) => {
  if (request.method === 'GET') {
    answerDocument(request, response);
    return;
  }
  let body = '';
  request.setEncoding('latin1');
  request.on('data', (chunk) => {
    body += chunk;
  });
  request.on('end', () => {
    answerForm(request, new URLSearchParams(body)).then(
      (answer) =>
        send(response, answer === undefined ? 401 : 200, JSON.stringify(answer ?? { error: 'invalid_client' })),
      (error: unknown) => {
        console.error(error);
        send(response, 500, '{}');
      },
    );
  });
}).listen(Number(port), '127.0.0.1');

/** Keeps what the product answers, and returns its sign-in page. */
async function mirrorProduct(): Promise<Buffer> {
  const connection = new Connection(Number(mirror));
  for (const path of PATHS_OF_DOCUMENTS) {
    documents.set(path, (await connection.exchange(get(path))).body);
  }
  const request = { client: pick(WEB_CLIENTS), scope: CODE_SCOPE };
  const signIn = await new Browser(pick(ACCOUNTS)).openSignIn(connection, request);
  const { body } = await connection.exchange(signIn);
  connection.close();
  return body;
}

function answerDocument({ url = '' }: IncomingMessage, response: ServerResponse): void {
  const document = url.startsWith('/interaction/') ? signInPage : documents.get(url);
  send(response, document === undefined ? 404 : 200, document ?? '{}');
}

async function answerForm({ headers, url }: IncomingMessage, form: URLSearchParams): Promise<object | undefined> {
  const credentials = Buffer.from((headers.authorization ?? '').slice('Basic '.length), 'base64').toString();
  const colon = credentials.indexOf(':');
  const clientId = credentials.slice(0, colon);
  const secretHash = secretHashes.get(clientId);
  if (secretHash === undefined || !verifySecret(credentials.slice(colon + 1), secretHash)) {
    return undefined;
  }
  if (url === '/token/introspection') {
    return introspect(form.get('token') ?? '');
  }
  return form.get('resource') === JWT_API ? issueJwt(clientId) : issueOpaque(clientId);
}

async function issueOpaque(clientId: string): Promise<object> {
  const iat = Math.floor(Date.now() / 1000);
  const exp = iat + LIFETIME;
  const id = createTokenId(slotOf(exp, LIFETIME));
  const payload = { iat, exp, jti: id, kind: 'ClientCredentials', clientId, aud: API, scope: 'records:read' };
  await machineTokens.upsert(id, payload, LIFETIME);
  return { access_token: id, expires_in: LIFETIME, token_type: 'Bearer', scope: payload.scope };
}

function issueJwt(clientId: string): object {
  const iat = Math.floor(Date.now() / 1000);
  const jti = createTokenId(0);
  const claims = {
    iss: `http://localhost:${port}`,
    aud: JWT_API,
    sub: clientId,
    client_id: clientId,
    jti,
    scope: 'jwt:read',
  };
  const unsigned = `${jwtHeader}.${encode({ ...claims, iat, exp: iat + LIFETIME })}`;
  const signature = sign('sha256', Buffer.from(unsigned), { key: signingKey, dsaEncoding: 'ieee-p1363' });
  const access_token = `${unsigned}.${signature.toString('base64url')}`;
  return { access_token, expires_in: LIFETIME, token_type: 'Bearer', scope: claims.scope };
}

async function introspect(token: string): Promise<object> {
  const found = await accessTokens.find(token);
  if (found === undefined) {
    return { active: false };
  }
  const { accountId: sub, clientId: client_id, iat, exp, scope } = found;
  return { active: true, sub, client_id, iat, exp, scope, aud: API, token_type: 'Bearer' };
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function send(response: ServerResponse, status: number, body: string | Buffer): void {
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
}
