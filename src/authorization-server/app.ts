import type { RequestListener } from 'node:http';
import type Router from '@koa/router';
import Koa from 'koa';
import mount from 'koa-mount';
import type Provider from 'oidc-provider';
import type { Logger } from 'pino';
import { admission } from './http/admission.ts';
import { cookieAttributes } from './http/cookie-attributes.ts';
import type { CookieSignatures } from './http/cookie-signatures.ts';
import { belowIssuerPath } from './http/issuer-path.ts';
import { buildUrlsFromIssuer, originFormTarget } from './http/issuer-urls.ts';
import { mutualTlsAddress } from './http/mutual-tls-address.ts';
import { protocolEndpoints } from './http/protocol-endpoints.ts';
import { publishedDocuments } from './http/published-documents.ts';
import { type RegistrationEndpointDeps, withRegistration } from './http/registration-endpoint.ts';
import { createRequestLog, identifyRequests, type LogRequest } from './http/request-id.ts';
import { retryAfter } from './http/retry-after.ts';
import { securityHeaders, securityHeadersOf } from './http/security-headers.ts';
import { healthRoutes, type Readiness } from './operations/health.ts';
import type { ProcessMetrics } from './operations/metrics.ts';
import { changePasswordAddress } from './pages/change-password-address.ts';
import type { Demonstration } from './pages/demonstration.ts';
import { deviceLink } from './pages/device.ts';
import { errorPages } from './pages/error.ts';
import { type InteractionPages, interactionPages } from './pages/interaction.ts';
import { landingPage } from './pages/landing.ts';
import { languageSwitch } from './pages/language-of-page.ts';
import { requestByPost } from './pages/request-by-post.ts';
import { type AnsweringPeople, requestsPage } from './pages/requests.ts';
import { type SharedSignalsDeps, withSharedSignals } from './shared-signals/endpoints.ts';

export interface AuthorizationServerDeps extends Omit<InteractionPages, 'provider' | 'sessions'> {
  /** Development mode only. */
  readonly demonstration?: Demonstration | undefined;
  readonly answering: AnsweringPeople;
  readonly accountConsole: Koa.Middleware;
  /** Registration, new passwords and where mailed links lead. */
  readonly selfService: Router;
  /** Where upstream providers send browsers back to. */
  readonly backFromElsewhere: Router;
  /** Lets what a page does be known as done for this request: provider/current-request.ts. */
  readonly duringPage: (ctx: Koa.Context, work: () => Promise<unknown>) => Promise<unknown>;
  readonly provider: Provider;
  readonly registration: RegistrationEndpointDeps;
  readonly sharedSignals: SharedSignalsDeps;
  readonly cookieSignatures: CookieSignatures;
  /** How many proxies stand in front; the client's address is what the outermost of them saw. */
  readonly trustedProxies: number;
  /** Where the proxy asks clients for certificates, if not at the issuer. */
  readonly mutualTlsOrigin: string | null;
  readonly readiness: Readiness;
  readonly metrics?: Pick<ProcessMetrics, 'observe'> | undefined;
  readonly logger: Logger;
}

/** The authorization server: everything a request passes through, from the outside in. */
export function createAuthorizationServer(deps: AuthorizationServerDeps): RequestListener {
  const { provider, page, logger } = deps;
  const { issuer } = provider;
  const engine = mount(provider);
  const logRequest = createRequestLog(logger, deps.trustedProxies);
  const log: LogRequest = (request, answered) => {
    logRequest(request, answered);
    deps.metrics?.observe(answered);
  };
  const app = new Koa({
    // Cookies of the pages and of the engine are signed alike.
    keys: deps.cookieSignatures as never, // Its types know of an array only.
    proxy: deps.trustedProxies > 0,
    maxIpsCount: deps.trustedProxies,
  });
  buildUrlsFromIssuer(app, issuer);
  app.on('error', (err, ctx) => {
    const requestId = ctx?.state?.requestId;
    if (err.headerSent) {
      // The sender broke its own request or hung up: nothing of ours failed.
      logger.warn({ requestId, err }, 'response broke off');
    } else {
      logger.error({ requestId, err }, 'unexpected error');
    }
  });

  app.use(originFormTarget());
  app.use(identifyRequests(log));
  app.use(securityHeaders(issuer));
  app.use(cookieAttributes());
  app.use(retryAfter());
  app.use(errorPages({ page, provider: () => provider }));
  app.use(healthRoutes(deps.readiness));
  if (deps.mutualTlsOrigin !== null) {
    app.use(mutualTlsAddress(app, deps.mutualTlsOrigin));
  }
  app.use(protocolEndpoints(withSharedSignals(withRegistration(engine, deps.registration), deps.sharedSignals)));
  app.use(languageSwitch());
  app.use((ctx, next) => deps.duringPage(ctx, next));
  app.use(requestByPost());
  app.use(deviceLink());
  app.use(page.assets);
  app.use(routesOf(landingPage({ ...deps, provider: () => provider })));
  app.use(routesOf(interactionPages({ ...deps, sessions: deps.answering.sessions, provider: () => provider })));
  app.use(routesOf(requestsPage({ ...deps, ...deps.answering, provider: () => provider })));
  app.use(routesOf(changePasswordAddress()));
  app.use(routesOf(deps.selfService));
  app.use(routesOf(deps.backFromElsewhere));
  app.use(deps.accountConsole);
  app.use(engine);
  const documents = publishedDocuments(app.callback());
  return belowIssuerPath(issuer, admission(documents, { log, headers: securityHeadersOf(issuer) }));
}

function routesOf(router: Router) {
  return router.routes();
}
