import type { Slice } from '../slice.ts';

/**
 * OpenID Connect Back-Channel Logout 1.0: who signs out is signed out at the clients as well, without the browser.
 *
 * Each client of the session that registered an address gets a notice, whoever ends the session: its browser, another one, the
 * password's change, an operator. A sign-out waits for none of them: notices are kept with it (provider/logout-notices.ts) and
 * sent from there, by any node, for two days if need be, and only to where the server may call (provider/outgoing.ts). The tokens
 * of the session have ended in any case.
 */
export const backChannelLogoutSettings = (): Slice => ({
  features: { backchannelLogout: { enabled: true } },
});

/**
 * §2.2 lets a client do without `sid`. A notice without it means every session of the person (§2.4), also the one on another
 * device that nobody signed out of, so it is always there, in the ID token as in the notice.
 */
export function nameSessionTo(metadata: Readonly<Record<string, unknown>>) {
  return metadata.backchannel_logout_uri === undefined ? {} : { backchannel_logout_session_required: true };
}
