/** The part of oidc-provider's private state that engine.ts reaches for. */
declare module 'oidc-provider/lib/helpers/weak_cache.js' {
  import type { X509Certificate } from 'node:crypto';
  import type { Client, KoaContextWithOIDC, Provider } from 'oidc-provider';

  export default function instance(provider: Provider): {
    readonly configuration?: {
      readonly responseTypes?: string[];
      readonly claimsSupported?: Set<string>;
      readonly scopes?: Set<string>;
      readonly grantTypes?: Set<string>;
      readonly pairwiseIdentifier?: (ctx: KoaContextWithOIDC, accountId: string, client: Client) => Promise<string>;
      readonly features?: {
        readonly mTLS?: {
          readonly enabled?: boolean;
          readonly getCertificate?: (ctx: KoaContextWithOIDC) => X509Certificate | string | undefined;
        };
      };
    };
    readonly features?: {
      readonly richAuthorizationRequests?: {
        readonly types?: Record<string, { validate(ctx: KoaContextWithOIDC, detail: unknown): Promise<void> }>;
      };
    };
    readonly grantTypeHandlers?: Map<string, (ctx: KoaContextWithOIDC) => Promise<void>>;
    readonly responseModes?: Map<
      string,
      (ctx: KoaContextWithOIDC, redirectUri: string, response: Record<string, unknown>) => unknown
    >;
  };
}

declare module 'oidc-provider/lib/actions/introspection.js' {
  const actions: Action[];
  export default actions;
}

declare module 'oidc-provider/lib/actions/revocation.js' {
  const actions: Action[];
  export default actions;
}

declare module 'oidc-provider/lib/helpers/certificate_thumbprint.js' {
  export default function thumbprint(certificate: import('node:crypto').X509Certificate | string): string;
}

declare module 'oidc-provider/lib/helpers/grants.js' {
  import type { X509Certificate } from 'node:crypto';
  import type { KoaContextWithOIDC, Provider } from 'oidc-provider';

  interface Proof {
    readonly thumbprint: string;
  }

  export function validateDpop(provider: Provider, ctx: KoaContextWithOIDC): Promise<Proof | undefined>;
  export function checkDpopRequired(provider: Provider, ctx: KoaContextWithOIDC, proof: Proof | undefined): void;
  export function checkDpopReplay(
    provider: Provider,
    ctx: KoaContextWithOIDC,
    proof: Proof,
    clientId: string,
    Refusal: new (description: string) => Error,
  ): Promise<void>;
  export function checkMtlsCert(provider: Provider, ctx: KoaContextWithOIDC): X509Certificate | string | undefined;
}

declare module 'oidc-provider/lib/helpers/keystore.js' {
  import type { JsonWebKey } from 'node:crypto';

  export default class KeyStore {
    selectForEncrypt(wanted: { readonly alg: string }): JsonWebKey[];
    selectForVerify(wanted: { readonly alg: string }): JsonWebKey[];
    /** Of a client's keys: those of the server itself are always fresh. */
    stale?(): boolean;
  }
}

declare module 'oidc-provider/lib/shared/reject_structured_tokens.js' {
  const action: Action;
  export default action;
}

type Action = (ctx: import('oidc-provider').KoaContextWithOIDC, next: () => Promise<void>) => unknown;
