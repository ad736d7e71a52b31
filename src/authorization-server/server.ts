import type { RequestListener } from 'node:http';
import type Provider from 'oidc-provider';
import type { Logger } from 'pino';
import type { Config } from '../config/schema.ts';
import { type ListeningServer, listen } from '../http/listen.ts';
import { createAuthenticate } from './accounts/authenticate.ts';
import { createAuthenticateAlone } from './accounts/authenticate-alone.ts';
import { createPasswords } from './accounts/passwords.ts';
import { createSecondFactorPolicy } from './accounts/second-factor-policy.ts';
import { createAuthorizationServer } from './app.ts';
import { assembleAccountConsole } from './assembly/account-console.ts';
import { assembleElsewhere } from './assembly/elsewhere.ts';
import { prepareHousekeeping } from './assembly/housekeeping.ts';
import { assembleMail } from './assembly/mail.ts';
import { assemblePasskeys } from './assembly/passkeys.ts';
import { assemblePasswordPolicy } from './assembly/password-policy.ts';
import { assembleProvider } from './assembly/provider.ts';
import { assembleSelfService } from './assembly/self-service.ts';
import { assembleSharedSignals } from './assembly/shared-signals.ts';
import { assembleSecondFactors, assembleSignIn } from './assembly/sign-in.ts';
import { assembleSignOuts } from './assembly/sign-outs.ts';
import { openStores, type Patience, type Stores } from './assembly/stores.ts';
import { loadBrand } from './brand/brand.ts';
import { createCookieSignatures } from './http/cookie-signatures.ts';
import { loadLanguages } from './languages/languages.ts';
import { createDeliveries, type RunningDeliveries } from './operations/deliveries.ts';
import type { Housekeeping } from './operations/housekeeping.ts';
import { measureProcess } from './operations/measure-process.ts';
import { openPlaces } from './operations/places.ts';
import type { Demonstration } from './pages/demonstration.ts';
import { createNotices } from './pages/notices.ts';
import { createPage } from './pages/page.ts';
import { createDescribeOrigin } from './pages/whereabouts.ts';
import { ONE_ANSWER } from './provider/backchannel.ts';
import { createPageSessions } from './provider/page-sessions.ts';
import { sessionCookie } from './provider/session-settings.ts';
import { readStorageFigures } from './storage/storage-figures.ts';

export interface AuthorizationServer {
  readonly handle: RequestListener;
  /** The engine, and what it reads and writes: for hosts that do more with them than answer requests. */
  readonly provider: Provider;
  readonly stores: Stores;
  /** Looks after the database from now on, in turn with other nodes. */
  keepHouse(): Housekeeping;
  /** Delivers what waits in the outbox from now on: mail, and notices to clients. */
  deliver(): RunningDeliveries;
  /** Requests that wait for something to happen end with nothing: this node is about to stop. */
  endWaiting(): void;
  /** Where they are asked for; of several workers the primary answers for all. */
  serveMetrics(): Promise<ListeningServer | undefined>;
  /** Resolves when this node acts upon every change of clients, resource servers and roles that was committed before. */
  confirmDirectory(): Promise<void>;
  /** Closes the connections to the database; requests must have ended. */
  close(): Promise<void>;
}

export interface AuthorizationServerOptions {
  readonly config: Config;
  readonly logger: Logger;
  /** Development mode only. */
  readonly demonstration?: Demonstration | undefined;
  /** Tests are slower than anybody waits. */
  readonly patience?: Patience | undefined;
}

/** Makes everything from the configuration and wires it. The database is migrated already. */
export async function assembleAuthorizationServer(options: AuthorizationServerOptions): Promise<AuthorizationServer> {
  const { config, logger, demonstration } = options;
  const languages = loadLanguages();
  const brand = loadBrand(config.brand);
  const stores = openStores(config, logger, options.patience);
  const { pool, sealing, currentRequest, directory, artifacts, rateLimits } = stores;
  const metrics = await measureProcess({ ...config.metrics, pool, readStorage: () => readStorageFigures(pool) });
  const deliveries = createDeliveries({ outbox: stores.outbox, logger });
  const mail = await assembleMail({ config, languages, enqueue: deliveries.enqueue, logger });
  const signOuts = assembleSignOuts(stores, deliveries, logger);
  const cookieSignatures = createCookieSignatures(sealing.keys('cookies'));
  const passwords = await createPasswords(config.passwords);
  const passwordPolicy = assemblePasswordPolicy(config, logger);
  const { accounts, audit } = stores;
  const page = createPage({
    languages,
    defaultLanguage: config.languages.default,
    brand,
  });
  const describeOrigin = createDescribeOrigin(await openPlaces(config.geoip.database));
  const notices = createNotices({ issuer: config.issuer, page, mailer: mail.mailer, describeOrigin });
  const findPerson = (id: string) => stores.secondSteps.findPerson(id);
  const elsewhere = assembleElsewhere({ config, stores, page, notices, findPerson, logger });
  const authenticate = createAuthenticate({
    accounts,
    directory: elsewhere.passwordDirectory,
    passwords,
    lockout: config.lockout,
    audit,
  });
  const requiresSecondFactor = createSecondFactorPolicy(config.secondFactor);
  const { provider, registration, requests, healing, signingKeys } = await assembleProvider({
    config,
    stores,
    page,
    authenticate: createAuthenticateAlone({ authenticate, requiresSecondFactor, audit }),
    findPerson,
    requiresSecondFactor,
    keepLogoutNotice: signOuts.keepNotice,
    mailer: mail.mailer,
    cookieSignatures,
    logger,
  });
  const sessions = createPageSessions({
    provider: () => provider,
    cookie: sessionCookie(config.issuer),
    seconds: config.lifetimes.session,
  });
  const selfService = assembleSelfService({
    config,
    stores,
    deliveries,
    mail,
    page,
    passwords,
    policy: passwordPolicy,
    authenticate,
    findPerson,
    requests,
    requiresSecondFactor,
    isKeptElsewhere: elsewhere.isKeptElsewhere,
    sessions,
  });
  const passkeys = assemblePasskeys({ config, stores, page, describeOrigin, notices });
  const secondFactors = assembleSecondFactors({ config, stores });
  const signIn = assembleSignIn({
    config,
    stores,
    secondFactors,
    page,
    authenticate,
    requiresSecondFactor,
    notices,
    ways: [passkeys.way, elsewhere.signInWith.way, selfService.pages.way],
    demonstration,
  });
  const sharedSignals = await assembleSharedSignals({ config, stores, signingKeys });
  const handle = createAuthorizationServer({
    selfService: selfService.pages.router,
    backFromElsewhere: elsewhere.signInWith.callback,
    provider,
    page,
    signIn,
    recentSignIn: config.lifetimes.recentSignIn,
    findAccount: stores.accountsReadAlong.findAccount,
    duringPage: currentRequest.during,
    listResourceServers: () => directory.listResourceServers(),
    requests,
    audit,
    longestConsent: config.lifetimes.grant,
    healing,
    answering: {
      sessions,
      requiresSecondFactor,
      waitingRequests: artifacts.waitingRequests,
      permittedScopes: (roles) => directory.permittedScopes(roles),
      mayAnswer: (handle) => rateLimits.take(ONE_ANSWER, handle),
    },
    accountConsole: assembleAccountConsole({
      emailSection: selfService.emailSection,
      config,
      stores,
      page,
      describeOrigin,
      notices,
      findPerson,
      identities: elsewhere.identities,
      isKeptElsewhere: elsewhere.isKeptElsewhere,
      passwords,
      passwordPolicy,
      passkeys,
      secondFactors,
      requiresSecondFactor,
      provider: () => provider,
    }),
    demonstration,
    registration,
    sharedSignals: sharedSignals.endpoints,
    cookieSignatures,
    trustedProxies: config.trustedProxies,
    mutualTlsOrigin: config.mutualTls.origin,
    readiness: async () => void (await pool.query('select 1')),
    metrics,
    logger,
  });
  const housekeeping = await prepareHousekeeping(config, stores.resources, logger);
  return {
    handle,
    provider,
    stores,
    keepHouse: housekeeping.start,
    deliver() {
      const handlers = { ...mail.handlers, ...selfService.handlers, ...signOuts.handlers(provider) };
      const running = [deliveries.start(handlers), signOuts.start(provider)];
      return { stop: async () => void (await Promise.all(running.map((one) => one.stop()))) };
    },
    endWaiting: sharedSignals.stop,
    serveMetrics: async () => metrics?.serve(),
    confirmDirectory: () => directory.confirm(),
    async close() {
      mail.close();
      await Promise.all([stores.close(), housekeeping.close()]);
    },
  };
}

export interface RunningAuthorizationServer {
  /** The one that was chosen, where port 0 was asked for. */
  readonly port: number;
  readonly metricsPort: number | undefined;
  /** Lets running requests end, then closes the connections to the database. */
  stop(): Promise<void>;
}

export async function startAuthorizationServer(
  options: AuthorizationServerOptions,
): Promise<RunningAuthorizationServer> {
  const authorizationServer = await assembleAuthorizationServer(options);
  let server: ListeningServer;
  let metrics: ListeningServer | undefined;
  try {
    metrics = await authorizationServer.serveMetrics();
    server = await listen(authorizationServer.handle, options.config.listen);
  } catch (error) {
    await metrics?.close();
    await authorizationServer.close();
    throw error;
  }
  const housekeeping = authorizationServer.keepHouse();
  const deliveries = authorizationServer.deliver();
  return {
    port: server.port,
    metricsPort: metrics?.port,
    async stop() {
      authorizationServer.endWaiting();
      await Promise.all([server.close(), metrics?.close()]);
      await Promise.all([housekeeping.stop(), deliveries.stop()]);
      await authorizationServer.close();
    },
  };
}
