import type { KoaContextWithOIDC } from 'oidc-provider';
import type { GrantHandler } from './engine.ts';
import { renameToken } from './engine-tokens.ts';

/** Grants in which one token is used up for others. */
export const EXCHANGES = ['authorization_code', 'refresh_token'] as const;

export interface Exchanger {
  /** Lets everything that an exchange uses up and saves take effect at once; see storage/redemption.ts. */
  redeem(exchange: () => Promise<void>): Promise<ReadonlyMap<string, string>>;
}

/** A token is used up, and what it is exchanged for is saved, in one moment: around the engine's own handler of the grant. */
export const exchangeAtOnce =
  (artifacts: Exchanger) =>
  async (ctx: KoaContextWithOIDC, handle: GrantHandler): Promise<void> => {
    const toldInstead = await artifacts.redeem(() => handle(ctx));
    const { AccessToken: accessToken } = ctx.oidc.entities;
    if (toldInstead.size > 0 && accessToken !== undefined) {
      const { refresh_token } = ctx.body as { refresh_token: string };
      ctx.body = {
        ...(ctx.body as object),
        access_token: await renameToken(accessToken, toldInstead.get(accessToken.jti) ?? accessToken.jti),
        refresh_token: toldInstead.get(refresh_token) ?? refresh_token,
      };
    }
  };
