import type { ServerMetadata } from 'openid-client';

/** RFC 8414 §2: where a server lists no grants, it offers these. */
const USUAL_GRANTS = ['authorization_code', 'implicit'];

export const needsGrant = (grant: string) => (metadata: ServerMetadata) =>
  (metadata.grant_types_supported ?? USUAL_GRANTS).includes(grant)
    ? undefined
    : `Its discovery document does not list ${grant} in grant_types_supported.`;

export const needsEndpoint = (name: keyof ServerMetadata) => (metadata: ServerMetadata) =>
  metadata[name] === undefined ? `Its discovery document names no ${String(name)}.` : undefined;

export const needsBoth =
  (one: (metadata: ServerMetadata) => string | undefined, other: typeof one) => (metadata: ServerMetadata) =>
    one(metadata) ?? other(metadata);
