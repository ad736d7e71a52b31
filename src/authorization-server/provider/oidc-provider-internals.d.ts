/** The part of oidc-provider's private state that engine.ts reaches for. */
declare module 'oidc-provider/lib/helpers/weak_cache.js' {
  import type { KoaContextWithOIDC, Provider } from 'oidc-provider';

  export default function instance(provider: Provider): {
    readonly configuration?: {
      readonly responseTypes?: string[];
      readonly claimsSupported?: Set<string>;
      readonly scopes?: Set<string>;
    };
    readonly grantTypeHandlers?: Map<string, (ctx: KoaContextWithOIDC) => Promise<void>>;
  };
}
