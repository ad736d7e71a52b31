import type { Provider } from 'oidc-provider';
import type { Logger } from 'pino';
import {
  type Deliveries,
  type DeliveryHandler,
  type RunningDeliveries,
  startDelivering,
} from '../operations/deliveries.ts';
import { type KeepLogoutNotice, type LogoutNotice, sendNotice, settleSession } from '../provider/logout-notices.ts';
import { createEndedSessions } from '../storage/ended-sessions.ts';
import type { Stores } from './stores.ts';

const KIND = 'logout notice';

export interface SignOutAssembly {
  readonly keepNotice: KeepLogoutNotice;
  readonly handlers: (provider: Provider) => Readonly<Record<string, DeliveryHandler>>;
  /** Looks after sessions that end elsewhere than in their own browser, at this node or at any. */
  start(provider: Provider): RunningDeliveries;
}

/** Telling clients of a sign-out: see flows/back-channel-logout/back-channel-logout.ts. */
export function assembleSignOuts(stores: Stores, deliveries: Deliveries, logger: Logger): SignOutAssembly {
  const keepNotice: KeepLogoutNotice = (notice) => deliveries.enqueue(KIND, notice);
  const grants = stores.artifacts.adapter('Grant');
  const revokeGrant = async (grantId: string) => {
    await grants.revokeByGrantId(grantId);
    await grants.destroy(grantId);
  };
  return {
    keepNotice,
    handlers: (provider) => ({ [KIND]: { deliver: (payload) => sendNotice(provider, payload as LogoutNotice) } }),
    start(provider) {
      const queue = createEndedSessions(stores.pool);
      const loop = startDelivering({ queue, logger }, 'ended session', {
        deliver: (session) => settleSession(session as object, { provider, keep: keepNotice, revokeGrant }),
      });
      stores.sessionsEnded.listen(loop.wake);
      return loop;
    },
  };
}
