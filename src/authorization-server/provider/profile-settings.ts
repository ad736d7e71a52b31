import { decodeProtectedHeader } from 'jose';
import { type Configuration, type Client as EngineClient, errors, type Provider } from 'oidc-provider';
import { ACCOUNT_CONSOLE } from '../clients/account-console.ts';
import type { Slice } from '../flows/slice.ts';
import { heldTo, isAllowed, PROFILES, type Profile, type ProfileName } from '../profiles/profile.ts';
import { keepGrantTypes } from './engine.ts';

/** What a client is held to: the server's profile, and its own. */
export type ProfileOf = (client: EngineClient | undefined) => Profile;

export function createProfileOf(server: ProfileName): ProfileOf {
  return (client) => profileFor(server, client?.clientId, client?.profile as ProfileName | undefined);
}

/** Profiles say how clients get tokens; the console gets none, and its codes never leave the server's own browser pages. */
export function profileFor(server: ProfileName, clientId: string | undefined, own: ProfileName | undefined): Profile {
  return clientId === ACCOUNT_CONSOLE ? PROFILES.rfc6749 : heldTo(server, own);
}

/** What of a profile the engine decides client by client; the rest stands in the client itself: held-client.ts. */
export function profileSettings(profileOf: ProfileOf): Slice {
  return {
    pkce: {
      // A client that nobody can tell from another by a secret needs it in any case (RFC 9700 §2.1.1).
      required: (_ctx, client) => client.tokenEndpointAuthMethod === 'none' || profileOf(client).pkceForAll,
    },
    features: {
      fapi: { enabled: true, profile: (_ctx, client) => (profileOf(client).fapi ? '2.0' : undefined) as '2.0' },
    },
  };
}

/** Of possession of a key (RFC 9449 §4.2). Where its header cannot be read, the engine refuses it. */
export function refuseForbiddenProof({ name, signingAlgs }: Profile, proof: string | undefined): void {
  const alg = proof && signingAlgs && algOf(proof);
  if (alg && !isAllowed(signingAlgs, alg)) {
    throw new errors.InvalidDpopProof(`${name} does not allow a proof to be signed with ${alg}`);
  }
}

function algOf(jwt: string): string | undefined {
  try {
    return decodeProtectedHeader(jwt).alg;
  } catch {
    return undefined;
  }
}

const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code';
const CIBA = 'urn:openid:params:grant-type:ciba';

/** Takes out of a whole configuration what the server's profile has no room for, and thereby out of discovery. */
export function restrictToProfile(configuration: Configuration, profile: Profile): Configuration {
  const { features, responseTypes, enabledJWA } = configuration;
  const authMethods = [...(configuration.clientAuthMethods ?? [])];
  const algs = Object.entries(enabledJWA ?? {}).map(([use, values]) => [
    use,
    use.includes('SigningAlg') ? values?.filter((alg: string) => isAllowed(profile.signingAlgs, alg)) : values,
  ]);
  const signed = Object.fromEntries(algs);
  return {
    ...configuration,
    responseTypes: responseTypes?.filter((one) => isAllowed(profile.responseTypes, one)) ?? [],
    enabledJWA: signed,
    features: {
      ...features,
      pushedAuthorizationRequests: {
        ...features?.pushedAuthorizationRequests,
        requirePushedAuthorizationRequests: profile.pushedRequests,
      },
      deviceFlow: { ...features?.deviceFlow, enabled: isAllowed(profile.grantTypes, DEVICE_CODE) },
      ciba: { ...features?.ciba, enabled: isAllowed(profile.grantTypes, CIBA) } as NonNullable<typeof features>['ciba'],
    },
    discovery: {
      ...configuration.discovery,
      // RFC 8414 §2. A public client may revoke what it holds, and introspect nothing.
      revocation_endpoint_auth_methods_supported: authMethods,
      introspection_endpoint_auth_methods_supported: authMethods.filter((method) => method !== 'none'),
      // The same section: they must be there where private_key_jwt is among the methods. The engine has the token endpoint's.
      revocation_endpoint_auth_signing_alg_values_supported: signed.clientAuthSigningAlgValues,
      introspection_endpoint_auth_signing_alg_values_supported: signed.clientAuthSigningAlgValues,
    },
  };
}

/** The same for what can be said only once there is a provider. */
export function keepToProfile(provider: Provider, profile: Profile): void {
  keepGrantTypes(provider, (grantType) => isAllowed(profile.grantTypes, grantType));
  if (profile.authMethods !== undefined) {
    provider.use(async (ctx, next) => {
      await next();
      if (ctx.oidc?.route === 'discovery') {
        const metadata = ctx.body as { token_endpoint_auth_methods_supported: string[] };
        metadata.token_endpoint_auth_methods_supported = metadata.token_endpoint_auth_methods_supported.filter(
          (method) => isAllowed(profile.authMethods, method),
        );
      }
    });
  }
}
