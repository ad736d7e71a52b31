/**
 * Grants that a person answers elsewhere (RFC 8628, CIBA): what of them goes together in a registration.
 */
import type { Metadata } from './metadata.ts';
import { broken } from './rule.ts';

const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code';
const CIBA = 'urn:openid:params:grant-type:ciba';

export function* backchannelIssues(metadata: Metadata) {
  yield* cibaIssues(metadata);
  const { grant_types, subject_type, jwks_uri } = metadata;
  const grant = [DEVICE_CODE, CIBA].find((one) => grant_types.some((name) => name === one));
  if (grant !== undefined && subject_type === 'pairwise' && jwks_uri === undefined) {
    // CIBA §4: without a redirect URI its host says which clients belong together.
    const fix = 'register its keys by their address, or take the pairwise subjects away';
    yield broken(['jwks_uri'], `is missing: a client with pairwise subjects and ${grant} needs one`, fix);
  }
}

/** CIBA §4. */
function* cibaIssues(metadata: Metadata) {
  const { grant_types, token_endpoint_auth_method, scope = '' } = metadata;
  if (!grant_types.includes(CIBA)) {
    return;
  }
  if (token_endpoint_auth_method === 'none') {
    yield broken(
      ['grant_types'],
      `gives ${CIBA} to a public client`,
      `give the client a secret or keys, or take it away`,
    );
  }
  if (!scope.split(' ').includes('openid')) {
    yield broken(['scope'], 'lacks openid, which each request of this grant asks for', 'add it');
  }
  const { backchannel_token_delivery_mode: mode, backchannel_client_notification_endpoint: endpoint } = metadata;
  if (mode === undefined) {
    const fix = 'write poll, or ping with a backchannel_client_notification_endpoint';
    yield broken(['backchannel_token_delivery_mode'], 'is missing', fix);
  }
  if (mode === 'ping' && endpoint === undefined) {
    yield broken(['backchannel_client_notification_endpoint'], 'is missing', 'say where to ping, or write mode poll');
  }
  if (metadata.backchannel_user_code_parameter) {
    yield broken(['backchannel_user_code_parameter'], 'asks for user codes, and there are none', 'take it away');
  }
}
