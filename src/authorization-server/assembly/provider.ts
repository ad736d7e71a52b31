import type Provider from 'oidc-provider';
import type { Logger } from 'pino';
import type { Config } from '../../config/schema.ts';
import { networkOf } from '../../http/network-of-address.ts';
import type { AuthenticateAlone } from '../accounts/authenticate-alone.ts';
import { createFindAccountId } from '../accounts/find-by-hint.ts';
import type { PersonStore } from '../accounts/person.ts';
import type { RequiresSecondFactor } from '../accounts/second-factor-policy.ts';
import { withAccountConsole } from '../clients/account-console.ts';
import { withPersonalAccess } from '../clients/personal-access.ts';
import { pushAgain } from '../flows/pushed-authorization-request/push-again.ts';
import type { CookieSignatures } from '../http/cookie-signatures.ts';
import { loggedPath } from '../http/request-id.ts';
import { LANGUAGES } from '../languages/languages.ts';
import type { Mailer } from '../mail/mailer.ts';
import { createWaitingRequestMail } from '../mail/waiting-request-mail.ts';
import { devicePages } from '../pages/device.ts';
import { engineErrorPage } from '../pages/error.ts';
import { createReportRefusal } from '../pages/error-reader.ts';
import { createHealing } from '../pages/heal-sign-in.ts';
import type { Page } from '../pages/page.ts';
import { AGAIN, createRememberedRequests } from '../pages/remembered-request.ts';
import { signOutPages } from '../pages/sign-out.ts';
import { onPingError } from '../provider/backchannel.ts';
import { createProvider } from '../provider/create-provider.ts';
import type { KeepLogoutNotice } from '../provider/logout-notices.ts';
import { loadServerSecrets } from '../provider/server-secrets.ts';
import { loadSigningKeys } from '../provider/signing-keys.ts';
import type { Sealing } from '../storage/sealing.ts';
import { PostgresServerSecretStore } from '../storage/server-secrets.ts';
import { PostgresSigningKeyStore } from '../storage/signing-keys.ts';
import { PostgresTrustedIssuerStore } from '../storage/trusted-issuers.ts';
import { createSelfDescription } from './self-description.ts';
import type { Stores } from './stores.ts';

export interface ProviderAssembly {
  readonly config: Config;
  readonly stores: Stores;
  readonly page: Page;
  readonly authenticate: AuthenticateAlone;
  readonly findPerson: PersonStore['findPerson'];
  readonly requiresSecondFactor: RequiresSecondFactor;
  readonly keepLogoutNotice: KeepLogoutNotice;
  readonly mailer: Mailer;
  readonly cookieSignatures: CookieSignatures;
  readonly logger: Logger;
}

/** Refused requests that are written down, from one network in an hour. */
const REFUSED_REQUESTS = { name: 'refused requests', most: 100, seconds: 3600 };

/** To one person: more requests than that are seen on one page. */
const MAILS_OF_REQUESTS = { name: 'mail of waiting requests', most: 3, seconds: 600 };

/** The engine, and the endpoint that clients register at: each knows of the other. */
export async function assembleProvider({
  config,
  stores,
  page,
  authenticate,
  findPerson,
  requiresSecondFactor,
  keepLogoutNotice,
  mailer,
  cookieSignatures,
  logger,
}: ProviderAssembly) {
  const { pool, sealing, accounts, accountsReadAlong, resources, directory, ofRequest, artifacts, rateLimits, audit } =
    stores;
  const requests = rememberedRequests(sealing, () => provider);
  const healing = createHealing({
    provider: () => provider,
    page,
    requests,
    findAccount: accountsReadAlong.findAccount,
  });
  const renderError = engineErrorPage({
    page,
    heal: healing.ofResume,
    report: createReportRefusal({
      development: config.mode === 'development',
      findAccount: accountsReadAlong.findAccount,
      audit,
      mayRecord: (ctx) => rateLimits.take(REFUSED_REQUESTS, networkOf(ctx.ip)),
    }),
  });
  const { clients, selfDescribed, registration } = createSelfDescription({
    config,
    pool,
    rateLimits,
    registered: withPersonalAccess(
      withAccountConsole(ofRequest.clients, { issuer: config.issuer, name: config.brand.name }),
      ofRequest.resources,
    ),
    resources: directory,
    provider: () => provider,
    logger,
  });
  const signingKeys = await loadSigningKeys(new PostgresSigningKeyStore(pool, sealing));
  const provider: Provider = createProvider({
    issuer: config.issuer,
    profile: config.profile,
    ...ofRequest,
    clients,
    selfDescribed,
    resourceServers: await resources.listResourceServers(),
    authenticate,
    findPerson,
    requiresSecondFactor,
    artifacts,
    rateLimits,
    noteUse: (use) => stores.grantUsage.record(use),
    findAccountId: createFindAccountId(accounts),
    tellOfRequest: createWaitingRequestMail({
      issuer: config.issuer,
      mailer,
      defaultLanguage: config.languages.default,
      findAccount: (accountId) => accounts.findAccount(accountId),
      mayTell: (accountId) => rateLimits.take(MAILS_OF_REQUESTS, accountId),
    }),
    trustedIssuers: new PostgresTrustedIssuerStore(pool),
    signingKeys,
    serverSecrets: await loadServerSecrets(new PostgresServerSecretStore(pool, sealing)),
    keepLogoutNotice,
    during: stores.currentRequest.during,
    cookieSignatures,
    mutualTls: config.mutualTls,
    trustedProxies: config.trustedProxies,
    dpopNonceSecret: Buffer.from(sealing.keys('dpop nonces')[0] ?? '', 'base64url'),
    lifetimes: config.lifetimes,
    audit: stores.audit,
    pages: {
      ...signOutPages({ page }),
      ...devicePages({ page, findAccount: accountsReadAlong.findAccount, renderError }),
      renderError,
      languages: LANGUAGES,
      copyInAddress: (ctx, interaction) => requests.toAddress(interaction, { again: ctx.query[AGAIN] }),
    },
    development: config.mode === 'development',
  });
  reportFailures(provider, logger);
  return { provider, registration, requests, healing, signingKeys };
}

function rememberedRequests(sealing: Sealing, provider: () => Provider) {
  const purpose = 'authorization request';
  return createRememberedRequests({
    seal: {
      seal: (text) => sealing.seal(purpose, text),
      open: (sealed) => sealing.open(purpose, sealed),
    },
    pushAgain: (request) => pushAgain(provider(), request),
  });
}

function reportFailures(provider: Provider, logger: Logger): void {
  onPingError(provider, (err, clientId) => {
    logger.warn({ err, clientId }, 'a client was not told of an answer');
  });
  provider.on('server_error', (ctx, error) => {
    logger.error({ err: error, requestId: ctx.state.requestId, path: loggedPath(ctx.path) }, 'the engine failed');
  });
}
