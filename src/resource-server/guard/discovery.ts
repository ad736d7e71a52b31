import { z } from 'zod';
import { requestJson } from './request-json.ts';

const Metadata = z.object({ issuer: z.string(), introspection_endpoint: z.url() });

export interface Discovery {
  introspectionEndpoint(): Promise<string>;
  /** Have it looked up again: what was found does not answer any more. */
  forget(): void;
}

/**
 * RFC 8414: where the authorization server introspects tokens. Looked up when first needed, so that either server may
 * start before the other; kept once found, while a failure is not.
 */
export function discovery(issuer: string, timeoutMs: number): Discovery {
  let endpoint: Promise<string> | undefined;
  const forget = () => {
    endpoint = undefined;
  };
  return {
    introspectionEndpoint: () => {
      endpoint ??= lookUp(issuer, timeoutMs).catch((error: unknown) => {
        forget();
        throw error;
      });
      return endpoint;
    },
    forget,
  };
}

async function lookUp(issuer: string, timeoutMs: number): Promise<string> {
  const url = metadataUrl(issuer);
  const { status, json } = await requestJson(url, { timeoutMs });
  if (status !== 200) {
    throw new Error(`${url} answered ${status}`);
  }
  const metadata = Metadata.parse(json);
  // RFC 8414 §3.3: anything but the identical issuer means that somebody else is answering.
  if (metadata.issuer !== issuer) {
    throw new Error(`${url} names another issuer: ${JSON.stringify(metadata.issuer)}`);
  }
  // Our credentials go there: never in the clear when the issuer itself is not.
  if (issuer.startsWith('https:') && !metadata.introspection_endpoint.startsWith('https:')) {
    throw new Error(`${url} names an introspection endpoint without TLS`);
  }
  return metadata.introspection_endpoint;
}

/** RFC 8414 §3.1: the path of an issuer goes behind the well-known part. */
function metadataUrl(issuer: string): string {
  const { origin, pathname } = new URL(issuer);
  return `${origin}/.well-known/oauth-authorization-server${pathname.replace(/\/$/, '')}`;
}
