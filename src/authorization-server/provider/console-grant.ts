import type { KoaContextWithOIDC } from 'oidc-provider';
import { ACCOUNT_CONSOLE } from '../clients/account-console.ts';

/** The console shows people what is theirs and hands nothing on: nobody is asked whether it may. `undefined` for other clients. */
export async function grantToConsole({ oidc }: KoaContextWithOIDC) {
  const { client, account, provider } = oidc;
  if (client?.clientId !== ACCOUNT_CONSOLE || account === undefined) {
    return undefined;
  }
  const grant = new provider.Grant({ clientId: client.clientId, accountId: account.accountId });
  grant.addOIDCScope('openid');
  await grant.save();
  return grant;
}
