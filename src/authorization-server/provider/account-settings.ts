import type { AccountStore } from '../accounts/account.ts';
import { CLAIMS_BY_SCOPE } from '../accounts/claims-by-scope.ts';
import type { Slice } from '../flows/slice.ts';
import type { ResourceServer } from '../resources/resource-server.ts';
import { OPENID_SCOPES } from '../resources/scope-policy.ts';
import { claimsOf } from './claims.ts';
import { type NoteUse, noteUserinfo } from './note-use.ts';
import type { RequestedScope } from './requested-scope.ts';

export interface AccountSettingsDeps {
  readonly accounts: AccountStore;
  /** As they are now: the default one's scopes stand in discovery, where a later one appears once it was asked for. */
  readonly resourceServers: readonly ResourceServer[];
  readonly noteUse: NoteUse;
}

/** Who may sign in, and what a client can be told of them. */
export function accountSettings(
  { accounts, resourceServers, noteUse }: AccountSettingsDeps,
  scope: RequestedScope,
): Slice {
  const apiScopes = resourceServers.find(({ isDefault }) => isDefault)?.scopes.map(({ name }) => name) ?? [];
  return {
    scopes: [...OPENID_SCOPES, ...apiScopes],
    // Of each sign-in, in the ID token: an account has none of these.
    claims: { ...CLAIMS_BY_SCOPE, openid: [...CLAIMS_BY_SCOPE.openid, 'acr', 'amr', 'auth_time'] },
    async findAccount(ctx, accountId, token) {
      const account = await accounts.findAccount(accountId);
      if (account === undefined || account.disabled) {
        return undefined;
      }
      if (token?.kind === 'RefreshToken') {
        // The last hook before the engine takes the scope of the new access token.
        await scope.narrowRefresh(ctx, account, token);
      }
      return {
        accountId,
        async claims(use, claimedScope) {
          if (use === 'userinfo' && ctx.oidc.route === 'userinfo') {
            noteUserinfo(ctx, claimedScope, noteUse);
          }
          return claimsOf(account);
        },
      };
    },
  };
}
