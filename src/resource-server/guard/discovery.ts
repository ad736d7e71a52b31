import { z } from 'zod';
import { requestJson } from './request-json.ts';

const Metadata = z.object({
  issuer: z.string(),
  introspection_endpoint: z.url().optional(),
  jwks_uri: z.url().optional(),
  id_token_signing_alg_values_supported: z.array(z.string()).optional(),
});
export type ServerMetadata = z.infer<typeof Metadata>;

export interface Discovery {
  metadata(): Promise<ServerMetadata>;
  /** Have it looked up again: what was found does not answer any more. */
  forget(): void;
}

/**
 * RFC 8414: where the authorization server does what. Looked up when first needed, so that either server may start before
 * the other; kept once found, while a failure is not.
 */
export function discovery(issuer: string, timeoutMs: number): Discovery {
  const url = wellKnown(issuer, 'oauth-authorization-server'); // Throws at once for what is no URL.
  let found: Promise<ServerMetadata> | undefined;
  const forget = () => {
    found = undefined;
  };
  return {
    metadata: () => {
      found ??= lookUp(url, issuer, timeoutMs).catch((error: unknown) => {
        forget();
        throw error;
      });
      return found;
    },
    forget,
  };
}

async function lookUp(url: string, issuer: string, timeoutMs: number): Promise<ServerMetadata> {
  const { status, json } = await requestJson(url, { timeoutMs });
  if (status !== 200) {
    throw new Error(`${url} answered ${status}`);
  }
  const { data: metadata, error: cause } = Metadata.safeParse(json);
  if (metadata === undefined) {
    throw new Error(`${url} answered with what is no metadata of an authorization server (RFC 8414)`, { cause });
  }
  // RFC 8414 §3.3: anything but the identical issuer means that somebody else is answering.
  if (metadata.issuer !== issuer) {
    throw new Error(`${url} names another issuer: ${JSON.stringify(metadata.issuer)}`);
  }
  // Credentials go there and keys come from there: never in the clear when the issuer itself is not.
  for (const name of ['introspection_endpoint', 'jwks_uri'] as const) {
    if (issuer.startsWith('https:') && metadata[name]?.startsWith('https:') === false) {
      throw new Error(`${url} names an ${name} without TLS`);
    }
  }
  return metadata;
}

/** RFC 8414 §3.1 and its like: the path of an issuer goes behind the well-known part. */
export function wellKnown(issuer: string, name: string): string {
  const { origin, pathname } = new URL(issuer);
  return `${origin}/.well-known/${name}${pathname.replace(/\/$/, '')}`;
}
