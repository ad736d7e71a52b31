import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import type { Slice } from '../flows/slice.ts';
import type { ResourceStore } from '../resources/resource-server.ts';
import { createExistingGrant, type ExistingGrantDeps } from './existing-grant.ts';
import { createInteractionPolicy } from './interaction-policy.ts';
import type { RequestedScope } from './requested-scope.ts';
import type { SufficientSignInDeps } from './sufficient-sign-in.ts';

export interface SessionSettingsDeps extends Pick<ExistingGrantDeps, 'audit' | 'artifacts'>, SufficientSignInDeps {
  readonly issuer: string;
  /** What signs cookies: see http/cookie-signatures.ts. */
  readonly cookieSignatures: object;
  /** Seconds. */
  readonly lifetimes: { readonly session: number; readonly grant: number; readonly interaction: number };
  readonly resources: ResourceStore;
  readonly pages: StepPages;
}

/** The pages of a sign-in. */
export interface StepPages {
  /** For the address of a step's page: a query with a copy of the request, to begin it again by. */
  copyInAddress(ctx: KoaContextWithOIDC, interaction: Interaction): string;
}

type Interaction = InstanceType<Provider['Interaction']>;

/** Where the browser sends the session's cookie to, and how. */
export function sessionCookie(issuer: string): { readonly path: string; readonly secure: boolean } {
  return { path: new URL(issuer).pathname, secure: issuer.startsWith('https:') };
}

/**
 * Cookies: `__Host-` keeps a sibling host from planting a session, and asks for https and for the path `/`. An issuer with a
 * path shares its host with others, and keeps its session to itself. Without `offline_access` tokens
 * end with the session.
 */
export function sessionSettings(
  { issuer, cookieSignatures, lifetimes, resources, audit, artifacts, pages, ...sufficient }: SessionSettingsDeps,
  scope: RequestedScope,
): Slice {
  const { path, secure } = sessionCookie(issuer);
  const root = path === '/' ? '' : path;
  const existingGrant = createExistingGrant({ resources, audit, artifacts });
  const options = { httpOnly: true, sameSite: 'lax', signed: true, secure } as const;
  return {
    cookies: {
      keys: cookieSignatures as never,
      names: {
        session: secure ? (root === '' ? '__Host-session' : '__Secure-session') : 'session',
        interaction: 'interaction',
        resume: 'interaction_resume',
      },
      long: { ...options, path },
      short: options,
    },
    ttl: {
      // Of a page that nobody has signed in at yet: its secret is all that such a session keeps.
      Session: (_ctx, { accountId }) => (accountId === undefined ? lifetimes.interaction : lifetimes.session),
      Grant: lifetimes.grant,
    },
    interactions: {
      policy: createInteractionPolicy({ resources, ...sufficient }),
      url: (ctx, interaction) => `${root}/interaction/${interaction.uid}${pages.copyInAddress(ctx, interaction)}`,
    },
    // A device that was connected with this browser is another one, and stays connected when the browser signs out.
    expiresWithSession: async (_ctx, token) => token.kind !== 'DeviceCode' && !token.scopes.has('offline_access'),
    async loadExistingGrant(ctx) {
      // The first hook at which the account is known, and the last before consent looks at the scope.
      await scope.narrowToAccount(ctx);
      return existingGrant(ctx);
    },
  };
}
