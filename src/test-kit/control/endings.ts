import type { Provider } from 'oidc-provider';
import { endAll } from '../../authorization-server/storage/end-all.ts';
import { revokeByAccountId, revokeByClientId } from '../../authorization-server/storage/revocation-statements.ts';
import { placeOf } from '../../authorization-server/storage/token-payload.ts';
import type { Instance } from '../instance.ts';
import { Expiry, Revocation } from '../protocol.ts';
import { requireAccount } from './accounts.ts';
import { ControlError } from './control-error.ts';
import { parsed, type Route } from './route.ts';

export const endingRoutes: readonly Route[] = [
  { method: 'POST', path: '/revocations', answer: (instance, { body }) => revoke(instance, parsed(Revocation, body)) },
  { method: 'POST', path: '/expiries', answer: (instance, { body }) => expire(instance, parsed(Expiry, body).token) },
];

async function revoke(instance: Instance, what: Revocation): Promise<void> {
  const { pool, server } = instance;
  const { grants, artifacts } = server.stores;
  if ('client' in what && (await server.provider.Client.find(what.client)) === undefined) {
    throw new ControlError(404, `There is no client ${what.client}.`);
  }
  if ('token' in what) {
    await revokeToken(server.provider, what.token);
  } else if ('sessionsOf' in what) {
    const { accountId } = await requireAccount(instance, what.sessionsOf);
    await artifacts.browserSessions.end(accountId, 'all');
  } else if (!('account' in what)) {
    await pool.query(revokeByClientId(what.client));
  } else {
    const { accountId } = await requireAccount(instance, what.account);
    await ('client' in what
      ? grants.revoke({ accountId, clientId: what.client })
      : endAll(pool, revokeByAccountId(accountId)));
  }
}

const KINDS = ['AccessToken', 'ClientCredentials', 'RefreshToken', 'AuthorizationCode'] as const;

interface StoredToken {
  readonly kind: string;
  readonly grantId?: string | undefined;
  destroy(): Promise<void>;
}

/** Of whichever kind. */
interface FindToken {
  find(value: string, options: { readonly ignoreExpiration: boolean }): Promise<StoredToken | undefined>;
}

async function findToken(provider: Provider, value: string): Promise<StoredToken | undefined> {
  for (const kind of KINDS) {
    const found = await (provider[kind] as unknown as FindToken).find(value, { ignoreExpiration: true });
    if (found !== undefined) {
      return found;
    }
  }
  return undefined;
}

/** As the revocation endpoint does it (RFC 7009 §2.1): an access token goes alone, any other with its grant. */
async function revokeToken(provider: Provider, value: string): Promise<void> {
  const token = await requireToken(provider, value);
  await token.destroy();
  if (token.grantId !== undefined && token.kind !== 'AccessToken') {
    await provider.RefreshToken.revokeByGrantId(token.grantId);
    await (await provider.Grant.find(token.grantId))?.destroy();
  }
}

async function expire({ server, pool }: Instance, value: string): Promise<void> {
  if (value.includes('.')) {
    throw new ControlError(400, 'A JWT says itself when it expires: move the clock, or give it a shorter lifetime.');
  }
  await requireToken(server.provider, value);
  const { slot, key } = placeOf(value);
  await pool.query(
    `update tokens set payload = jsonb_set(payload::jsonb, '{exp}', to_jsonb($3::bigint))::text
     where slot = $1 and key = $2`,
    [slot, key, Math.floor(Date.now() / 1000) - LONG_AGO],
  );
}

/** Seconds: more than any clock tolerance. */
const LONG_AGO = 60;

async function requireToken(provider: Provider, value: string): Promise<StoredToken> {
  const token = await findToken(provider, value);
  if (token === undefined) {
    throw new ControlError(404, 'There is no such token; what was revoked or used up counts as none.');
  }
  return token;
}
