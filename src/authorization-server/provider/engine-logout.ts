import type { Client as EngineClient, Provider } from 'oidc-provider';
import { expectEngine } from './engine.ts';

/** The third leaf of the door that engine.ts is: how oidc-provider 9.13.3 tells clients of a sign-out. */
type TellOfSignOut = (this: EngineClient, subject: string, sessionId: string | undefined) => Promise<void>;

const tellingOfSignOut = new WeakMap<Provider, TellOfSignOut>();

/** Gives `take` what the engine would tell a client of a sign-out, in the place of the client. */
export function takeLogoutNotices(
  provider: Provider,
  take: (clientId: string, subject: string, sessionId: string | undefined) => Promise<void>,
): void {
  const { prototype } = provider.Client as unknown as { readonly prototype: { backchannelLogout: TellOfSignOut } };
  const { backchannelLogout } = prototype;
  expectEngine(typeof backchannelLogout === 'function', 'Client.backchannelLogout');
  tellingOfSignOut.set(provider, backchannelLogout);
  prototype.backchannelLogout = function tell(subject, sessionId) {
    return take(this.clientId, subject, sessionId);
  };
}

/** The engine's own way to tell a client. */
export async function sendLogoutNotice(
  provider: Provider,
  client: EngineClient,
  subject: string,
  sessionId: string,
): Promise<void> {
  await tellingOfSignOut.get(provider)?.call(client, subject, sessionId);
}
