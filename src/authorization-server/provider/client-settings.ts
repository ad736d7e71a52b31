import Provider, { type Client as EngineClient, errors, type KoaContextWithOIDC } from 'oidc-provider';
import type { ClientStore } from '../clients/client.ts';
import { verifySecret } from '../clients/secret.ts';
import { toleratesLoopbackRedirects } from '../flows/implicit/implicit.ts';
import type { Slice } from '../flows/slice.ts';
import type { Profile, ProfileName } from '../profiles/profile.ts';
import { OUR_METADATA, registrationOf } from './clients.ts';
import { hookClients, keepClients } from './engine.ts';
import { createProfileOf, refuseForbiddenProof } from './profile-settings.ts';

export interface SelfDescribedClients {
  /** Its URL, unless it is closed. */
  readonly registrationEndpoint: string | undefined;
  /** Absent where clients cannot have metadata documents. */
  readonly documents: { whyNot(clientId: string): string | undefined } | undefined;
  markUsed(clientId: string): Promise<void>;
}

export function clientSettings({ registrationEndpoint, documents }: SelfDescribedClients): Slice {
  return {
    discovery: {
      ...(registrationEndpoint !== undefined && { registration_endpoint: registrationEndpoint }),
      ...(documents !== undefined && { client_id_metadata_document_supported: true }),
    },
    extraClientMetadata: { properties: [...OUR_METADATA] },
    // The pages of a public client, and at userinfo of any client. `null` is the origin of a redirect URI with a scheme of
    // its own, and of every sandboxed frame.
    clientBasedCORS: (ctx, origin, client) =>
      origin !== 'null' &&
      (ctx.oidc.route === 'userinfo' || client.tokenEndpointAuthMethod === 'none') &&
      (client.redirectUris ?? []).some((uri) => URL.parse(uri)?.origin === origin),
  };
}

/** The engine's routes that begin a grant without a browser. */
const ENDPOINTS_OF_GRANTS: ReadonlyMap<string, string> = new Map([
  ['device_authorization', 'urn:ietf:params:oauth:grant-type:device_code'],
  ['backchannel_authentication', 'urn:openid:params:grant-type:ciba'],
]);

export interface ClientExtensionDeps {
  readonly clients: ClientStore;
  readonly selfDescribed: SelfDescribedClients;
  readonly profile: ProfileName;
  readonly development: boolean;
}

/** What a client can do, where the engine's own answer is not ours. */
export function extendClients(provider: Provider, deps: ClientExtensionDeps): void {
  const { clients, selfDescribed, profile, development } = deps;
  const profileOf = createProfileOf(profile);
  const registration = async (clientId: string) => {
    const client = await clients.findClient(clientId);
    if (client === undefined) {
      explainAbsence(clientId, selfDescribed);
    }
    return client;
  };
  keepClients(provider, registration, isNobodysBusiness);
  noteUse(provider, selfDescribed);
  hookClients(provider, {
    compareClientSecret: (registered, presented) => registered !== undefined && verifySecret(presented, registered),
    // RFC 6749 §5.2 and §4.1.2.1 have a word for it; the engine says invalid_request.
    grantTypeAllowed(allowed, grantType, client) {
      const oidc = Provider.ctx?.oidc;
      refuseWhereHeldBack(client, profileOf(client));
      const isAskedFor = oidc?.route === 'token' && oidc.params?.grant_type === grantType;
      if (!allowed && (isAskedFor || ENDPOINTS_OF_GRANTS.get(oidc?.route ?? '') === grantType)) {
        throw new errors.UnauthorizedClient(`the client is not registered for the grant type ${grantType}`);
      }
      return allowed;
    },
    responseTypeAllowed(allowed, responseType, client) {
      refuseWhereHeldBack(client, profileOf(client));
      if (!allowed) {
        throw new errors.UnauthorizedClient(`the client is not registered for the response type ${responseType}`);
      }
      return allowed;
    },
    toleratesMetadata: (metadata, code) => development && toleratesLoopbackRedirects(metadata, code),
  });
}

/** To the client itself. For everybody else it is just not there, and none of their business. */
function explainAbsence(clientId: string, { documents }: SelfDescribedClients): void {
  const problem = documents?.whyNot(clientId);
  const oidc = Provider.ctx?.oidc;
  if (problem !== undefined && oidc?.params?.client_id === clientId) {
    // A program gets RFC 6749 §5.2's 401, and a browser a page.
    const error = oidc.route === 'authorization' ? new errors.InvalidClient(problem) : new errors.InvalidClientAuth();
    throw Object.assign(error, { error_description: problem });
  }
}

/** A registration that does not hold any more, because the server has another configuration by now, lets people sign out. */
function isNobodysBusiness(error: unknown): boolean {
  return error instanceof errors.InvalidClientMetadata && Provider.ctx?.oidc.route === 'end_session_confirm';
}

/** A client that registered itself and then had a code or a token is not abandoned. Noted once, aside from the request. */
function noteUse(provider: Provider, { markUsed }: SelfDescribedClients): void {
  const noted = new WeakSet<EngineClient>();
  const note = ({ oidc: { client } }: KoaContextWithOIDC) => {
    if (client !== undefined && registrationOf(client).self_described === 'registration' && !noted.has(client)) {
      noted.add(client);
      void markUsed(client.clientId);
    }
  };
  provider.on('authorization.success', note);
  provider.on('grant.success', note);
}

/** Whether it may have this or that grant is no question then. */
function refuseWhereHeldBack(client: EngineClient, profile: Profile): void {
  refuseForbiddenProof(profile, Provider.ctx?.get('DPoP'));
  const { obstacle } = registrationOf(client);
  if (obstacle !== undefined) {
    throw new errors.UnauthorizedClient(obstacle);
  }
}
