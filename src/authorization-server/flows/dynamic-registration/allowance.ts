import type { TokenPolicy } from '../../clients/initial-access-tokens.ts';
import type { Allowance } from '../../clients/self-described.ts';
import type { ResourceStore } from '../../resources/resource-server.ts';
import { OPENID_SCOPES } from '../../resources/scope-policy.ts';

export interface AllowanceDeps {
  readonly grantTypes: readonly string[];
  /** `all`: also those of every resource server that there is or will be. */
  readonly scopes: readonly string[] | 'all';
  readonly resources: ResourceStore;
}

/** What a client that describes itself may have: what the operator says of all of them, or with the token that it was given. */
export function createAllowance({ grantTypes, scopes, resources }: AllowanceDeps) {
  return async (policy: TokenPolicy = {}): Promise<Allowance> => ({
    grantTypes: policy.grantTypes ?? grantTypes,
    scopes: policy.scopes ?? (scopes === 'all' ? await everyScope(resources) : scopes),
  });
}

async function everyScope(resources: ResourceStore): Promise<readonly string[]> {
  const ofResourceServers = (await resources.listResourceServers()).flatMap(({ scopes }) => scopes);
  return [...new Set([...OPENID_SCOPES, ...ofResourceServers.map(({ name }) => name)])];
}
