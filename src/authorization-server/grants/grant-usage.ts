/** The use of a grant, as far as this server is told of it. */
export interface GrantUse {
  /** The engine's id of the grant. */
  readonly grantId: string;
  /** `undefined`: this server itself: sign-in, userinfo, a refresh. */
  readonly resourceServer: string | undefined;
  /** Those that were needed; empty for a request that needed none. */
  readonly scopes: readonly string[];
}

export interface UsedScope {
  /** The grant's key (held-grant.ts). */
  readonly grantKey: string;
  readonly resourceServer: string | undefined;
  /** `undefined`: a request that needed none. */
  readonly scope: string | undefined;
  readonly lastUsed: Date;
}

export interface GrantUsage {
  /** Takes note at no cost to the request; written down later, and lost if this process dies before. */
  record(use: GrantUse): void;
  /** What is written down, and what this node is about to. */
  ofGrants(grantKeys: readonly string[]): Promise<readonly UsedScope[]>;
  /** Writes down what there is, and nothing more after that. */
  close(): Promise<void>;
}
