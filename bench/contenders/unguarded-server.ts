/** `/whoami` of the resource API behind everything that a request passes there but the guard, which lets anyone in. */
import Koa from 'koa';
import { listen } from '../../src/http/listen.ts';
import { createLogger } from '../../src/logging/create-logger.ts';
import type { AccessToken } from '../../src/resource-server/guard/access-token.ts';
import type { Guard } from '../../src/resource-server/guard/guard.ts';
import { createMiddleware } from '../../src/resource-server/guard/middleware.ts';
import { createRefusals } from '../../src/resource-server/guard/refusals.ts';
import { crossOrigin } from '../../src/resource-server/http/cross-origin.ts';
import { refuseForms } from '../../src/resource-server/http/refuse-forms.ts';
import { refuseUnrouted } from '../../src/resource-server/http/refuse-unrouted.ts';
import { renderErrors } from '../../src/resource-server/http/render-errors.ts';
import { requestLog } from '../../src/resource-server/http/request-log.ts';
import { originFormTarget } from '../../src/resource-server/http/request-target.ts';
import { securityHeaders } from '../../src/resource-server/http/security-headers.ts';
import { whoamiRoutes } from '../../src/resource-server/routes/whoami.ts';
import { API } from '../directory.ts';

const ANYBODY: AccessToken = {
  subject: 'somebody',
  clientId: 'web-0',
  username: 'somebody@bench.example',
  name: 'Somebody',
  email: 'somebody@bench.example',
  roles: ['user'],
  scopes: new Set(['records:read']),
  audience: [API],
  issuer: undefined,
  expiresAt: new Date(Date.now() + 3_600_000),
  confirmation: undefined,
  acr: undefined,
  authTime: undefined,
};

const logger = createLogger('info');
const guard: Pick<Guard, 'require'> = {
  require: () =>
    createMiddleware(
      () => ({ left: ANYBODY }),
      (place: { token?: AccessToken }, left) => {
        place.token = left;
      },
    ),
};

const app = new Koa();
app.use(requestLog(logger));
app.use(securityHeaders(API));
app.use(renderErrors(logger));
app.use(originFormTarget);
app.use(crossOrigin([]));
app.use(refuseForms(createRefusals(undefined)));
app.use(whoamiRoutes(guard).routes());
app.use(refuseUnrouted);
await listen(app.callback(), { host: '127.0.0.1', port: Number(process.env.BENCH_PORT) });
