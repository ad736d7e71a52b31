import { errors, type Provider } from 'oidc-provider';
import { sendLogoutNotice, takeLogoutNotices } from './engine-logout.ts';

/** That a session ended, for a client of it (OpenID Connect Back-Channel Logout 1.0). */
export interface LogoutNotice {
  readonly clientId: string;
  readonly accountId: string;
  /** What the client knows the session by. */
  readonly sid: string;
}

/** Resolves when the notice is certain to be tried, however long the client is away. */
export type KeepLogoutNotice = (notice: LogoutNotice) => Promise<void>;

/** From now on a sign-out waits for no client: what the engine would send is kept, and sent from there. */
export function keepLogoutNotices(provider: Provider, keep: KeepLogoutNotice): void {
  takeLogoutNotices(provider, async (clientId, accountId, sid) => {
    // For the engine every client that asked while the person was signed in is one of the session's, also where nothing came of
    // it. To such a one a notice, which would name no session, would mean all there are (§2.4).
    if (sid !== undefined) {
      await keep({ clientId, accountId, sid });
    }
  });
}

/** One attempt, with a token made for it: it is valid for two minutes. Throws to be tried again. */
export async function sendNotice(provider: Provider, notice: LogoutNotice): Promise<'delivered'> {
  const { clientId, accountId, sid } = notice;
  const client = await provider.Client.find(clientId);
  if (client?.backchannelLogoutUri !== undefined) {
    await sendLogoutNotice(provider, client, accountId, sid).catch((cause: unknown) => {
      throw new Error(`the client ${clientId} was not told of a sign-out`, { cause });
    });
  }
  return 'delivered';
}

/** A session as it was stored. */
interface EndedSession {
  readonly accountId?: string;
  readonly authorizations?: Readonly<
    Record<string, { readonly sid?: string; readonly grantId?: string; readonly persistsLogout?: boolean }>
  >;
}

export interface AftermathDeps {
  readonly provider: Provider;
  readonly keep: KeepLogoutNotice;
  readonly revokeGrant: (grantId: string) => Promise<void>;
}

/**
 * What the engine does where a browser signs out, for a session that ended otherwise: its clients are told, and the grants that
 * were for the time of the session end. Its tokens have ended with it. Idempotent but for notices, which may come twice.
 */
export async function settleSession(session: EndedSession, deps: AftermathDeps): Promise<'delivered'> {
  const { accountId, authorizations = {} } = session;
  for (const [clientId, { sid, grantId, persistsLogout }] of Object.entries(authorizations)) {
    const client = sid === undefined ? undefined : await toBeTold(deps.provider, clientId);
    if (sid !== undefined && accountId !== undefined && client?.backchannelLogoutUri !== undefined) {
      await deps.keep({ clientId, accountId, sid });
    }
    if (grantId !== undefined && persistsLogout !== true) {
      await deps.revokeGrant(grantId);
    }
  }
  return 'delivered';
}

/** A registration that does not hold any more keeps nothing from the other clients of a session. */
async function toBeTold({ Client }: Provider, clientId: string) {
  return Client.find(clientId).catch((error: unknown) => {
    if (error instanceof errors.InvalidClientMetadata) {
      return undefined;
    }
    throw error;
  });
}
