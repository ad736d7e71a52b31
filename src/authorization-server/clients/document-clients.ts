/**
 * Clients by their metadata documents: fetched when they are asked for, and kept in memory on each node for as long as the
 * document's host says, within bounds.
 *
 * A host that does not answer takes nobody's access away for a day: the document as it was last seen goes on to count. One
 * that says the document is gone, or changed it into one that is not valid, ends the client here: a token of it is then
 * inactive. What failed is not tried again for a minute, so that no request waits for a host that is known to be away.
 *
 * Strangers decide what is asked for. Whatever they name, it takes no client away that was seen: the documents that failed go
 * first, then those that nobody asked for longest, and a client that is known is asked about even where its host
 * was asked enough.
 */
import type { Client, ClientStore } from './client.ts';
import { clientOfDocument, isDocumentUrl } from './client-document.ts';
import { type Allowance, MetadataProblem } from './self-described.ts';

export interface DocumentClientsDeps {
  /** With the guard against addresses that are not public, and without following redirects. */
  readonly fetch: (url: string, init: { headers: Record<string, string> }) => Promise<Response>;
  /** False when this host was asked for enough documents for now: whoever likes can make this server ask. */
  readonly mayAsk: (host: string) => Promise<boolean>;
  readonly allowance: () => Promise<Allowance>;
  /** What the engine says to it. Throws an error with a sentence for `error_description`. */
  readonly checkByEngine: (client: Client) => Promise<void>;
  readonly development: boolean;
  /** Monotonic, milliseconds. */
  readonly now?: () => number;
}

export interface DocumentClients extends ClientStore {
  /** A sentence about the document, where it is the reason that there is no such client. */
  whyNot(clientId: string): string | undefined;
}

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
/** Where the document's host says nothing. */
const USUAL_AGE = 5 * MINUTE;
const MOST_KEPT = 1_000;
/** More at once would make this server a means to flood others with. */
const MOST_UNDER_WAY = 20;

interface Kept {
  readonly client?: Client | undefined;
  readonly problem?: string | undefined;
  /** Until then it is not asked for again. */
  readonly until: number;
  /** When it was last seen. */
  readonly seenAt: number;
}

/** The document is not there or not valid, and asking again would change nothing. */
class Refused extends Error {}

export function createDocumentClients(deps: DocumentClientsDeps): DocumentClients {
  const { now = () => performance.now(), development } = deps;
  const kept = new Map<string, Kept>();
  const underWay = new Map<string, Promise<Kept>>();

  async function look(clientId: string): Promise<Kept> {
    const former = kept.get(clientId);
    const found = await fetched(deps, clientId, former?.client, now()).catch((error: unknown) =>
      afterFailure(error, former, now()),
    );
    kept.delete(clientId);
    kept.set(clientId, found);
    dropOne(kept);
    return found;
  }

  return {
    async findClient(clientId) {
      const known = kept.get(clientId);
      if (known !== undefined && now() < known.until) {
        kept.delete(clientId);
        kept.set(clientId, known);
        return known.client;
      }
      if (!isDocumentUrl(clientId, { development })) {
        return undefined;
      }
      const running = underWay.get(clientId);
      if (running === undefined && underWay.size >= MOST_UNDER_WAY) {
        return known?.client;
      }
      const looking = running ?? look(clientId).finally(() => underWay.delete(clientId));
      underWay.set(clientId, looking);
      return (await looking).client;
    },
    whyNot: (clientId) => kept.get(clientId)?.problem,
  };
}

/** Clients that are registered, and after them those that describe themselves by a document. */
export function withDocuments(registered: ClientStore, documents: ClientStore | undefined): ClientStore {
  return {
    findClient: async (clientId) => (await registered.findClient(clientId)) ?? documents?.findClient(clientId),
  };
}

async function fetched(
  { fetch, mayAsk, allowance, checkByEngine }: DocumentClientsDeps,
  clientId: string,
  former: Client | undefined,
  now: number,
): Promise<Kept> {
  if (former === undefined && !(await mayAsk(new URL(clientId).host))) {
    throw new Error('its host was asked for too many documents');
  }
  const response = await fetch(clientId, { headers: { accept: 'application/json' } });
  if (response.status !== 200) {
    const problem = `the client metadata document was answered with the status ${response.status}`;
    throw response.status >= 500 || response.status === 429 ? new Error(problem) : new Refused(problem);
  }
  if (!/^application\/([\w.-]+\+)?json\s*(;|$)/i.test(response.headers.get('content-type') ?? '')) {
    throw new Refused('the client metadata document is not of the type application/json');
  }
  const client = clientOfDocument(clientId, parse(await response.text()), await allowance());
  const until = now + ageOf(response.headers);
  // The same object as long as it says the same: what was made of it is good then.
  if (former !== undefined && JSON.stringify(former) === JSON.stringify(client)) {
    return { client: former, until, seenAt: now };
  }
  await checkByEngine(client);
  return { client, until, seenAt: now };
}

function afterFailure(error: unknown, former: Kept | undefined, now: number): Kept {
  const until = now + MINUTE;
  const refusal = refusalIn(error);
  if (refusal === undefined && former?.client !== undefined && now < former.seenAt + DAY) {
    return { ...former, until };
  }
  return { problem: refusal ?? 'the client metadata document could not be fetched', until, seenAt: now };
}

function refusalIn(error: unknown): string | undefined {
  if (error instanceof Refused || error instanceof MetadataProblem) {
    return error.message;
  }
  const description = error instanceof Error && 'error_description' in error ? error.error_description : undefined;
  return typeof description === 'string' ? description : undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Refused('the client metadata document is not JSON');
  }
}

/** Milliseconds (RFC 9111 §5.2.2): a minute at least, a day at most. */
function ageOf(headers: Headers): number {
  const maxAge = /(?:^|,)\s*max-age\s*=\s*"?(\d{1,9})/i.exec(headers.get('cache-control') ?? '')?.[1];
  return maxAge === undefined ? USUAL_AGE : Math.min(DAY, Math.max(MINUTE, Number(maxAge) * 1000));
}

/** When there are too many. They lie in the order in which they were asked for. */
function dropOne(kept: Map<string, Kept>): void {
  if (kept.size > MOST_KEPT) {
    const [oldest] = kept.keys();
    const [failed] = [...kept].find(([, { client }]) => client === undefined) ?? [oldest];
    kept.delete(failed ?? '');
  }
}
