import { createPool } from '../../database/connect.ts';
import { listen } from '../../http/listen.ts';
import { createLogger } from '../../logging/create-logger.ts';
import { createTestDatabase } from '../../testing/database.ts';
import { API_NAME, createResourceApi } from '../app.ts';
import { createGuard } from '../guard/guard.ts';
import { type ScriptedIssuer, startScriptedIssuer } from './scripted-issuer.ts';

export const IDENTIFIER = 'https://api.example.com';
export const METADATA_URL = 'https://api.example.com/.well-known/oauth-protected-resource';
export const PAGE_ORIGIN = 'http://localhost:3002';
export const BLOB_LIMIT = 1024 * 1024;
export const ALL_SCOPES = 'records:read records:write blobs:read blobs:write reports:run';

export interface TestApi {
  readonly url: string;
  readonly issuer: ScriptedIssuer;
  readonly databaseUrl: string;
  /** Everything the API wrote to its log so far. */
  readonly log: () => string;
  /** A request with the token, and JSON where there is a body that is not raw. */
  call(token: string, path: string, options?: CallOptions): Promise<Response>;
  dropDatabase(): Promise<void>;
  stop(): Promise<void>;
}

export interface CallOptions extends RequestInit {
  readonly json?: unknown;
}

/** The real application on a real database; only the authorization server is played by the test. */
export async function startTestApi(): Promise<TestApi> {
  const [issuer, database] = await Promise.all([startScriptedIssuer(), createTestDatabase('resource-server')]);
  const pool = createPool({ url: database.url, max: 5, applicationName: 'resource-api test' });
  const lines: string[] = [];
  const logger = createLogger('trace', { write: (line: string) => lines.push(line) });
  const guard = createGuard({
    issuer: issuer.issuer,
    audience: IDENTIFIER,
    clientId: 'api:1',
    clientSecret: 's3cret+ %',
    name: API_NAME,
    timeoutMs: 30_000,
    cache: { maxAgeSeconds: 0 }, // tests change their minds about a token
    logger,
  });
  const app = createResourceApi({
    pool,
    guard,
    identifier: IDENTIFIER,
    issuer: issuer.issuer,
    allowedOrigins: [PAGE_ORIGIN],
    blobLimitBytes: BLOB_LIMIT,
    logger,
  });
  const server = await listen(app.callback(), { host: '127.0.0.1', port: 0 });
  const url = `http://127.0.0.1:${server.port}`;
  return {
    url,
    issuer,
    databaseUrl: database.url,
    log: () => lines.join(''),
    call: (token, path, { json, headers, ...init } = {}) =>
      fetch(url + path, {
        ...init,
        ...(json !== undefined && { body: JSON.stringify(json) }),
        headers: {
          authorization: `Bearer ${token}`,
          ...(json !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
      }),
    dropDatabase: () => database.drop(),
    stop: async () => {
      await Promise.all([server.close(), guard.close(), issuer.close()]);
      await pool.end();
      await database.drop();
    },
  };
}

/** What introspection says about a good token of an account, and of a machine client. */
export const accountToken = (sub: string, more: object = {}) => ({
  active: true,
  token_type: 'Bearer',
  aud: IDENTIFIER,
  client_id: 'demo-web',
  scope: ALL_SCOPES,
  roles: ['user'],
  sub,
  ...more,
});

export const machineToken = (client_id: string, more: object = {}) => ({
  active: true,
  token_type: 'Bearer',
  aud: IDENTIFIER,
  client_id,
  scope: ALL_SCOPES,
  ...more,
});
