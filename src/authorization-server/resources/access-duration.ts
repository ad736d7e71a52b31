/**
 * How long a person lets a client have access. The end is the Grant's: no token outlives that (provider/grant-lifetime.ts),
 * and afterwards the client has to ask again.
 *
 * `session`: until the person signs out at this browser, or the session is over. That is what tokens without `offline_access`
 * do in any case, so it is the same as leaving that scope out. `revoked`: until the person takes it back, or the server's
 * own limit for a consent is over.
 */
export const ACCESS_DURATIONS = ['session', 'hour', 'month', 'revoked'] as const;
export type AccessDuration = (typeof ACCESS_DURATIONS)[number];

const SECONDS = { hour: 3600, month: 30 * 24 * 3600 } as const;

/** `longest`: how long a consent lasts at most, in seconds. */
export function secondsOf(duration: AccessDuration, longest: number): number {
  return duration === 'hour' || duration === 'month' ? Math.min(SECONDS[duration], longest) : longest;
}

export function durationsWithin(longest: number, { inSession }: { readonly inSession: boolean }) {
  return ACCESS_DURATIONS.filter(
    (duration) =>
      (duration !== 'session' || inSession) &&
      (duration === 'session' || duration === 'revoked' || SECONDS[duration] < longest),
  );
}
