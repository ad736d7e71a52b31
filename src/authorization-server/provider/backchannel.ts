import type { EventEmitter } from 'node:events';
import type { Client, Provider } from 'oidc-provider';

/** What one client may ask of one person while they are elsewhere. */
export const REQUESTS_TO_ONE = { name: 'backchannel request', most: 10, seconds: 600 };

/** Of several at once; a node that dies over it leaves the next one to be given half a minute later. */
export const ONE_ANSWER = { name: 'backchannel answer', most: 1, seconds: 30 };

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
      eventsOf(provider).emit(PING_ERROR, error, this.clientId);
    });
  };
}

const PING_ERROR = 'ping.error';

export function onPingError(provider: Provider, listener: (error: unknown, clientId: string) => void): void {
  eventsOf(provider).on(PING_ERROR, listener);
}

/** Its types know of the engine's own events only. */
function eventsOf(provider: Provider): EventEmitter {
  return provider as unknown as EventEmitter;
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
