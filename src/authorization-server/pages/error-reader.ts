import type Provider from 'oidc-provider';
import type { KoaContextWithOIDC } from 'oidc-provider';
import type { AccountStore } from '../accounts/account.ts';
import type { Audit } from '../audit/audit.ts';
import { AGAIN } from './remembered-request.ts';
import { type Diagnosis, diagnose, type Received, type RegisteredClient } from './request-diagnosis.ts';

type EngineClient = NonNullable<Awaited<ReturnType<Provider['Client']['find']>>>;

/** What became of an authorization request that could be answered to nobody but the person. */
export interface RefusedRequest {
  /** Of the audit row; `undefined` where there are too many of them from one place. */
  readonly auditId: string | undefined;
  /** For who may see what is registered. */
  readonly diagnosis: Diagnosis | undefined;
}

export type ReportRefusal = (ctx: KoaContextWithOIDC, error: string) => Promise<RefusedRequest>;

interface Dependencies {
  readonly development: boolean;
  readonly findAccount: AccountStore['findAccount'];
  readonly audit: Pick<Audit, 'record'>;
  /** Anyone can send requests that are refused: no more are written down than somebody would look through. */
  readonly mayRecord: (ctx: KoaContextWithOIDC) => Promise<boolean>;
}

const ADMINISTRATOR = 'admin';

/** Notes a refused authorization request, and explains it to the developer of the app. */
export function createReportRefusal({ development, findAccount, audit, mayRecord }: Dependencies): ReportRefusal {
  /** Of whose registration the values may be seen: everyone's here, everyone's there, or that of an app on this very computer. */
  async function mayBeExplained(ctx: KoaContextWithOIDC, client: EngineClient | undefined): Promise<boolean> {
    if (development || (client !== undefined && isOnThisComputer(client))) {
      return true;
    }
    const accountId = ctx.oidc.session?.accountId;
    const account = accountId === undefined ? undefined : await findAccount(accountId);
    return account !== undefined && !account.disabled && account.roles.includes(ADMINISTRATOR);
  }

  return async (ctx, error) => {
    const { client } = ctx.oidc;
    const received = receivedBy(ctx);
    const isRecorded = await mayRecord(ctx);
    const [auditId, isExplained] = await Promise.all([
      isRecorded
        ? audit.record({
            kind: 'request_refused',
            clientId: client?.clientId,
            details: { error, parameters: namesOf(received) },
          })
        : undefined,
      mayBeExplained(ctx, client),
    ]);
    return { auditId, diagnosis: isExplained ? diagnose(received, client && registered(client)) : undefined };
  };
}

/** What came in the query; of a request that was pushed, or is a request object, what that says. */
function receivedBy(ctx: KoaContextWithOIDC): Received {
  const { [AGAIN]: _ours, ...query } = ctx.query;
  const isElsewhere = query.request !== undefined || query.request_uri !== undefined;
  const { params } = ctx.oidc;
  const said = isElsewhere
    ? SAID.flatMap((name) => (typeof params?.[name] === 'string' ? [[name, params[name]]] : []))
    : [];
  return { ...query, ...Object.fromEntries(said) };
}

const SAID = ['redirect_uri', 'response_type', 'scope', 'code_challenge', 'code_challenge_method'] as const;

/** Names that a program could have written; never a value. */
function namesOf(received: Received): string[] {
  return Object.keys(received)
    .filter((name) => /^[\w.-]{1,40}$/.test(name))
    .slice(0, 30);
}

function registered(client: EngineClient): RegisteredClient {
  const { allowed_scope } = client;
  return {
    clientId: client.clientId,
    redirectUris: client.redirectUris ?? [],
    allowsRedirectTo: (redirectUri) => client.redirectUriAllowed(redirectUri),
    responseTypes: client.responseTypes ?? [],
    scopes: typeof allowed_scope === 'string' ? allowed_scope.split(' ') : undefined,
    isPublic: client.tokenEndpointAuthMethod === 'none',
  };
}

const LOOPBACK: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];

function isOnThisComputer({ redirectUris = [] }: EngineClient): boolean {
  return (
    redirectUris.length > 0 &&
    redirectUris.every((uri) => {
      const url = URL.parse(uri);
      return url?.protocol === 'http:' && LOOPBACK.includes(url.hostname);
    })
  );
}
