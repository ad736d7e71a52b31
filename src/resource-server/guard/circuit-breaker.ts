export interface CircuitBreakerOptions {
  /** Failures in a row that open the circuit. */
  readonly failures: number;
  /** For how long an open circuit fails at once. Then one call goes through, and decides. */
  readonly restMs: number;
  /** Milliseconds, from any origin. */
  readonly now: () => number;
}

/** Spares a struggling server, and our callers the wait for its timeouts. */
export function circuitBreaker({ failures, restMs, now }: CircuitBreakerOptions) {
  let failed = 0;
  let closedFrom = 0;
  return async <T>(call: () => Promise<T>): Promise<T> => {
    if (failed >= failures) {
      if (now() < closedFrom) {
        throw new Error(`not asked: the last ${failed} attempts failed`);
      }
      closedFrom = now() + restMs; // this call is the one that decides; the others go on waiting
    }
    try {
      const result = await call();
      failed = 0;
      return result;
    } catch (error) {
      failed += 1;
      closedFrom = now() + restMs;
      throw error;
    }
  };
}
