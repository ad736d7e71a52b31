/** Introspection answers and metadata take a few kilobytes. */
const LARGEST_ANSWER = 64 * 1024;

export interface JsonRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: URLSearchParams;
  /** For the whole exchange, the body included. */
  readonly timeoutMs: number;
}

/**
 * Asks the authorization server. `json` is `undefined` when the body is none. Throws when there is no whole answer in
 * time, when it is too large, and for a redirect: that would carry credentials to a place nobody has vouched for.
 */
export async function requestJson(
  url: string,
  { timeoutMs, headers, ...request }: JsonRequest,
): Promise<{ status: number; json: unknown }> {
  const init: RequestInit = {
    ...request,
    headers: { accept: 'application/json', ...headers },
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
  };
  const response = await fetch(url, init).catch((error: unknown) => {
    if (!isConnectionLost(error)) {
      throw error;
    }
    return fetch(url, init);
  });
  return { status: response.status, json: parse(await readText(response)) };
}

/**
 * A kept-alive connection that its other end was just closing, as each restart of it may: everything asked here only
 * reads, so it can be asked a second time. fetch does not do so by itself (undici in Node 24).
 */
function isConnectionLost(error: unknown): boolean {
  const cause = error instanceof Error ? (error.cause as NodeJS.ErrnoException | undefined) : undefined;
  return cause?.code === 'UND_ERR_SOCKET' || cause?.code === 'ECONNRESET' || cause?.code === 'EPIPE';
}

/** Throws for more than that; `onChunk` sees each part as it arrives. */
export async function readText(
  response: Response,
  longest = LARGEST_ANSWER,
  onChunk: (chunk: Uint8Array) => void = () => {},
): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    onChunk(chunk);
    if (size > longest) {
      throw new Error(`the answer is larger than ${longest} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
