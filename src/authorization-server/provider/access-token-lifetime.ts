import type { Client as EngineClient, ResourceServer } from 'oidc-provider';
import { registrationOf } from './clients.ts';

/**
 * How long an access token is good for: as its resource server says, or else the server; and less where its client wants less
 * (`access_token_lifetime`). No client makes its own tokens last.
 */
export function accessTokenLifetime(
  resourceServer: ResourceServer | undefined,
  client: EngineClient,
  usual: number,
): number {
  const longest = registrationOf(client).access_token_lifetime ?? Number.POSITIVE_INFINITY;
  return Math.min(resourceServer?.accessTokenTTL ?? usual, longest);
}
