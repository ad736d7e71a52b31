import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import type { GrantUse } from '../grants/grant-usage.ts';
import { OPENID_SCOPES } from '../resources/scope-policy.ts';

export type NoteUse = (use: GrantUse) => void;

/** A token endpoint that answers: a refresh is what `offline_access` is for, and an ID token what `openid` is. */
export function noteTokenRequests(provider: Provider, noteUse: NoteUse): void {
  provider.on('grant.success', (ctx) => {
    const { entities, params } = ctx.oidc;
    const grantId = entities.AccessToken?.grantId;
    if (grantId === undefined) {
      return;
    }
    const { id_token } = ctx.body as { readonly id_token?: string };
    const refreshed = params?.grant_type === 'refresh_token' && entities.RefreshToken?.scopes.has('offline_access');
    const scopes = [id_token === undefined ? [] : 'openid', refreshed ? 'offline_access' : []].flat();
    noteUse({ grantId, resourceServer: undefined, scopes });
  });
}

/** Userinfo that is about to be told: every scope of OpenID Connect that the token has decides what is in it. */
export function noteUserinfo(ctx: KoaContextWithOIDC, scope: string, noteUse: NoteUse): void {
  const grantId = ctx.oidc.entities.AccessToken?.grantId;
  if (grantId !== undefined) {
    const scopes = scope.split(' ').filter((one) => one !== 'offline_access' && OPENID_SCOPES.includes(one));
    noteUse({ grantId, resourceServer: undefined, scopes });
  }
}
