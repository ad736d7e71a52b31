import type { Slice } from '../slice.ts';

/**
 * OpenID Connect Back-Channel Logout 1.0: who signs out is signed out at the clients as well, without the browser.
 *
 * Each client of the session that registered an address gets one notice, all of them at once, before the session ends. Its
 * answer decides nothing: one that is slow, broken or not to be called (provider/outgoing.ts) costs its 2.5 seconds at most, and a
 * line in the log. A notice that is lost is not repeated; the tokens of the session have ended in any case.
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
