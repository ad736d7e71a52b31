import type { ServerMetadata } from 'openid-client';
import type { Exchange } from '../exchange.ts';

/** What an exchange is, told by where it went and what it carried. */
export const MESSAGE_KINDS = [
  'discovery',
  'keys',
  'authorization',
  'callback',
  'authorization_code',
  'refresh_token',
  'password',
  'client_credentials',
  'device_code',
  'token-exchange',
  'device',
  'introspection',
  'revocation',
  'userinfo',
  'api-metadata',
  'api',
] as const;
export type MessageKind = (typeof MESSAGE_KINDS)[number];

const PREFIX = 'urn:ietf:params:oauth:grant-type:';

type Endpoints = Pick<
  ServerMetadata,
  | 'token_endpoint'
  | 'authorization_endpoint'
  | 'jwks_uri'
  | 'device_authorization_endpoint'
  | 'introspection_endpoint'
  | 'revocation_endpoint'
  | 'userinfo_endpoint'
>;

export function kindOf({ target, parts, from }: Exchange, metadata: Endpoints, ownUrl: string): MessageKind {
  if (from === 'browser' && target.startsWith(`${ownUrl}/`)) {
    return 'callback';
  }
  if (target === metadata.token_endpoint) {
    const grant = new URLSearchParams(parts.body).get('grant_type')?.replace(PREFIX, '') ?? '';
    return MESSAGE_KINDS.find((kind) => kind === grant) ?? 'authorization_code';
  }
  if (/\/\.well-known\/(openid-configuration|oauth-authorization-server)/.test(target)) {
    return 'discovery';
  }
  if (target.includes('/.well-known/oauth-protected-resource')) {
    return 'api-metadata';
  }
  const endpoints: Readonly<Record<string, MessageKind>> = {
    [metadata.authorization_endpoint ?? '']: 'authorization',
    [metadata.jwks_uri ?? '']: 'keys',
    [metadata.device_authorization_endpoint ?? '']: 'device',
    [metadata.introspection_endpoint ?? '']: 'introspection',
    [metadata.revocation_endpoint ?? '']: 'revocation',
    [metadata.userinfo_endpoint ?? '']: 'userinfo',
  };
  return endpoints[target] ?? 'api';
}
