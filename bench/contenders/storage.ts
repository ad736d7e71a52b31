import type { AdapterFactory } from 'oidc-provider';

/** What a contender stores its artifacts in. */
export interface Storage {
  readonly adapter: AdapterFactory;
  /** Where the id of a token says where it is kept. */
  readonly createTokenId?: (kind: string, lifetime: number) => string;
}

export type OpenStorage = (databaseUrl: string) => Promise<Storage>;
