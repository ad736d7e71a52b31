import type { Client, Provider } from 'oidc-provider';

type Ping = Client['backchannelPing'];

/**
 * CIBA §10.2: a client in ping mode is told that there is an answer. The person who gave it does not wait for that: a
 * client that cannot be reached polls, as it does after a ping that got lost with this process.
 */
export function pingWithoutWaiting(provider: Provider): void {
  const { prototype } = provider.Client as unknown as { readonly prototype: { backchannelPing: Ping } };
  const { backchannelPing } = prototype;
  if (typeof backchannelPing !== 'function') {
    throw new Error(
      'oidc-provider no longer has Client.backchannelPing: provider/backchannel.ts was written for 9.13.3',
    );
  }
  prototype.backchannelPing = async function ping(this: Client, request) {
    backchannelPing.call(this, request).catch((error: unknown) => {
      provider.emit('ping.error', error, this.clientId);
    });
  };
}

/** CIBA §4: there are none (flows/ciba/ciba.ts), and the engine says otherwise of itself. */
export function withdrawUserCodes(provider: Provider): void {
  provider.use(async (ctx, next) => {
    await next();
    const metadata = ctx.body as Record<string, unknown>;
    if (ctx.oidc?.route === 'discovery' && 'backchannel_user_code_parameter_supported' in metadata) {
      metadata.backchannel_user_code_parameter_supported = false;
    }
  });
}
