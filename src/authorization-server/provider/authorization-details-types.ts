import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import type { ResourceServer } from '../resources/resource-server.ts';
import { type AuthorizationDetailsTypes, authorizationDetailsTypesOf } from './engine.ts';

export interface DeclaredTypes {
  /** From now on the engine knows the types of these resource servers, and no others. */
  follow(resourceServers: readonly ResourceServer[]): ReadonlySet<string>;
  attach(provider: Provider): void;
}

/**
 * The engine has a fixed list of types (9.13.3), while the directory may change. It is brought up to date whenever a client
 * is read, which is done anew after every change of the directory (storage/directory-cache.ts), and before it matters: the
 * client of a request is known before its details are looked at.
 */
export function createDeclaredTypes(
  validate: (ctx: KoaContextWithOIDC, detail: unknown) => Promise<void>,
): DeclaredTypes {
  let known: AuthorizationDetailsTypes = {};
  return {
    attach(provider) {
      known = authorizationDetailsTypesOf(provider);
    },
    follow(resourceServers) {
      const declared = new Set(
        resourceServers.flatMap(({ authorizationDetailsTypes = [] }) =>
          authorizationDetailsTypes.map(({ type }) => type),
        ),
      );
      for (const type of Object.keys(known)) {
        if (!declared.has(type)) {
          delete known[type];
        }
      }
      for (const type of declared) {
        known[type] = { validate };
      }
      return declared;
    },
  };
}
