/** The resource API with a guard that lets anyone in: everything that a request passes there, but the guard. */
import { randomUUID } from 'node:crypto';
import { createPool } from '../../src/database/connect.ts';
import { listen } from '../../src/http/listen.ts';
import { createLogger } from '../../src/logging/create-logger.ts';
import { createResourceApi } from '../../src/resource-server/app.ts';
import type { AccessToken, Guarded } from '../../src/resource-server/guard/guard.ts';
import { createMiddleware } from '../../src/resource-server/guard/middleware.ts';
import { createRefusals } from '../../src/resource-server/guard/refusals.ts';
import { ACCOUNTS, API, JOURNEY_SCOPE, WEB_CLIENTS } from '../directory.ts';
import { pick } from '../load/requests.ts';

/** As many, and with as much to tell, as the tokens that the guard knows: what reads them is behind the guard. */
const ANYBODY: readonly AccessToken[] = Array.from({ length: 2000 }, (_, index) => ({
  subject: randomUUID(),
  clientId: String(WEB_CLIENTS[index % WEB_CLIENTS.length]?.clientId),
  username: ACCOUNTS[index % ACCOUNTS.length],
  name: `Name of ${ACCOUNTS[index % ACCOUNTS.length]}`,
  email: undefined,
  roles: [],
  scopes: new Set(JOURNEY_SCOPE.split(' ')),
  audience: [API],
  issuer: undefined,
  expiresAt: new Date(Date.now() + 3_600_000),
  confirmation: undefined,
  acr: undefined,
  authTime: undefined,
}));

const app = createResourceApi({
  pool: createPool({ url: 'postgres://127.0.0.1:9', max: 1, applicationName: 'bench' }), // nothing asks it
  guard: {
    require: () => createMiddleware<AccessToken>(() => ({ left: pick(ANYBODY) }), leave),
    metadata: createMiddleware<boolean>(() => ({ left: false })),
    metadataUrl: undefined,
    authenticate: async () => pick(ANYBODY),
    refuse: createRefusals({ resourceMetadata: undefined, dpopAlgs: undefined }),
    close: async () => undefined,
  },
  identifier: API,
  issuer: API,
  allowedOrigins: [],
  blobLimitBytes: 1,
  logger: createLogger('info'),
});
await listen(app.callback(), { host: '127.0.0.1', port: Number(process.env.BENCH_PORT) });

function leave(place: Partial<Guarded>, token: AccessToken): void {
  place.token = token;
}
