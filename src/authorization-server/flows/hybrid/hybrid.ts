import type { Slice } from '../slice.ts';

/** Hybrid flow (OpenID Connect Core §3.3): a code by the front channel together with what is needed at once. */
export const hybridSettings = (): Slice => ({
  responseTypes: ['code id_token', 'code token', 'code id_token token'],
});
