import type { Configuration } from 'oidc-provider';

/** A flow's part of the engine's configuration; provider/merge-slices.ts puts the parts together. */
export type Slice = Configuration;
