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
  const response = await fetch(url, {
    ...request,
    headers: { accept: 'application/json', ...headers },
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
  });
  return { status: response.status, json: parse(await readText(response)) };
}

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > LARGEST_ANSWER) {
      throw new Error(`the answer is larger than ${LARGEST_ANSWER} bytes`);
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
