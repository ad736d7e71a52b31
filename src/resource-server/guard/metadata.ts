import type { IncomingMessage } from 'node:http';
import type { Answer } from './middleware.ts';

/** RFC 9728 §3.1: the well-known part goes between the host and the path of the resource identifier. */
export function metadataUrl(identifier: string): URL | undefined {
  const url = URL.parse(identifier);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    return undefined; // a URN has no place where anything could be looked up
  }
  url.pathname = `/.well-known/oauth-protected-resource${url.pathname.replace(/\/$/, '')}`;
  return url;
}

export interface MetadataSettings {
  readonly audience: string;
  readonly issuer: string;
  readonly name: string | undefined;
  /** Those that are named so far. */
  readonly scopes: () => Iterable<string>;
  /** Members beside those. */
  readonly more: Readonly<Record<string, unknown>>;
}

/**
 * RFC 9728: tells a client where to get tokens for this resource server, and how to send them. Public, for pages of any
 * origin too. `undefined` for a request that is not for it.
 */
export function createMetadata({ audience, issuer, name, scopes, more }: MetadataSettings) {
  const place = metadataUrl(audience)?.pathname;
  return ({ method = '', url = '' }: IncomingMessage): Answer | undefined => {
    if (place === undefined || !url.startsWith(place) || url.split('?', 1)[0] !== place) {
      return undefined;
    }
    if (method === 'OPTIONS') {
      return { status: 204, headers: PREFLIGHT, body: '' };
    }
    if (method !== 'GET' && method !== 'HEAD') {
      return undefined;
    }
    const metadata = {
      resource: audience,
      authorization_servers: [issuer],
      scopes_supported: [...new Set(scopes())].sort(),
      bearer_methods_supported: ['header'],
      ...(name !== undefined && { resource_name: name }),
      ...more,
    };
    return { status: 200, headers: HEADERS, body: JSON.stringify(metadata) };
  };
}

const EVERYBODY = { 'access-control-allow-origin': '*' };
const PREFLIGHT = {
  ...EVERYBODY,
  'access-control-allow-methods': 'GET, HEAD',
  'access-control-allow-headers': '*',
  'access-control-max-age': '86400',
};
const HEADERS = { ...EVERYBODY, 'content-type': 'application/json', 'cache-control': 'public, max-age=3600' };
