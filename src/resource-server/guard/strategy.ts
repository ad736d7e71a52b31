import type { Discovery } from './discovery.ts';

/** As much of a logger as is needed here; pino's is one. */
export interface GuardLogger {
  warn(details: object, message: string): void;
}

/** What a way of checking tokens may need. */
export interface StrategyDependencies {
  readonly issuer: string;
  readonly discovery: Discovery;
  /** The resource server's own client: who may see what about a token is decided by it. */
  readonly clientId: string;
  readonly clientSecret: string;
  readonly timeoutMs: number;
  readonly logger: GuardLogger;
}
