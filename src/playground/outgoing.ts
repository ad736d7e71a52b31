import { ClientError } from 'openid-client';
import type { Send } from './exchange.ts';
import { type Issuer, isPlainLoopback } from './issuers.ts';

const ANSWER_WITHIN_MS = 10_000;
const LARGEST_ANSWER = 1024 * 1024;

/**
 * Sends to where an issuer's metadata says, and the operator trusts another issuer with no more than that: not with plain http to
 * this machine or its neighbours, with no redirects to there, and with neither an endless nor an enormous answer.
 */
export function sendFor(issuer: Issuer): Send {
  return async (url, options) => {
    if (!maySendTo(issuer, url)) {
      throw new ClientError(`Nothing is sent to ${new URL(url).origin}: it is not https.`);
    }
    const signal = options.signal ?? AbortSignal.timeout(ANSWER_WITHIN_MS);
    return bounded(await fetch(url, { ...options, redirect: 'manual', signal } as RequestInit));
  };
}

export function maySendTo({ issuer, api }: Issuer, url: string): boolean {
  const { origin, protocol } = new URL(url);
  const isApi = api !== undefined && origin === new URL(api.url).origin;
  return protocol === 'https:' || isApi || (isPlainLoopback(issuer) && isPlainLoopback(url));
}

async function bounded(response: Response): Promise<Response> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > LARGEST_ANSWER) {
      throw new ClientError(`The answer is larger than ${LARGEST_ANSWER} bytes.`);
    }
    chunks.push(chunk);
  }
  const { status, statusText, headers } = response;
  return new Response(length === 0 ? null : Buffer.concat(chunks), { status, statusText, headers });
}
