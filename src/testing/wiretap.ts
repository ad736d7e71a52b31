/**
 * Notes every secret that passes between a client, a browser and the server: what must be found neither in the database
 * nor in a log. It listens to `fetch`, so no flow has to remember to hand anything over.
 */
import { vi } from 'vitest';

/** Parameters of requests and answers whose values open something, wherever they are. */
const SECRET_NAMES = new Set([
  'access_token',
  'assertion',
  'client_secret',
  'code',
  'code_verifier',
  'id_token',
  'id_token_hint',
  'password',
  'refresh_token',
  'state',
  'subject_token',
  'token',
  'xsrf',
]);

/** Where the id of an interaction stands in a path. */
const INTERACTION_PATHS = /^\/(?:interaction|auth)\/([^/]+)/;

/** Fewer characters than this are found by chance. */
const SHORTEST = 8;

export type Secrets = ReadonlyMap<string, ReadonlySet<string>>;

/** From now on; `secrets` are the values by what they were called. */
export function startWiretap(): { readonly secrets: Secrets; stop(): void } {
  const secrets = new Map<string, Set<string>>();
  const note = (name: string, value: string | null | undefined) => {
    if (value && value.length >= SHORTEST) {
      secrets.set(name, (secrets.get(name) ?? new Set()).add(value));
    }
  };
  const untapped = globalThis.fetch;
  const spy = vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => {
    const request = new Request(input, init);
    await noteRequest(request.clone(), note);
    const response = await untapped(input, init);
    await noteResponse(response.clone(), note);
    return response;
  });
  return { secrets, stop: () => spy.mockRestore() };
}

type Note = (name: string, value: string | null | undefined) => void;

async function noteRequest(request: Request, note: Note): Promise<void> {
  noteUrl(request.url, note);
  noteParameters(new URLSearchParams(await request.text()), note);
  const [scheme = '', credentials = ''] = (request.headers.get('authorization') ?? '').split(' ');
  note('authorization', credentials);
  if (scheme.toLowerCase() === 'basic') {
    const secret = Buffer.from(credentials, 'base64').toString().split(':')[1];
    note('client_secret', decodeURIComponent(secret ?? ''));
  }
}

async function noteResponse(response: Response, note: Note): Promise<void> {
  noteUrl(response.headers.get('location') ?? '', note);
  for (const cookie of response.headers.getSetCookie()) {
    const [name, value] = cookie.split(/[=;]/);
    note(`cookie ${name}`, value);
  }
  const text = await response.text();
  if (response.headers.get('content-type')?.startsWith('application/json')) {
    const members = Object.entries(JSON.parse(text)).filter(([, value]) => typeof value === 'string');
    noteParameters(new URLSearchParams(members as [string, string][]), note);
  }
  for (const [, name = '', value] of text.matchAll(/<input[^>]* name="([^"]+)" value="([^"]*)"/g)) {
    note(SECRET_NAMES.has(name) ? name : 'hidden field', value);
  }
}

function noteUrl(location: string, note: Note): void {
  const url = URL.parse(location, 'http://localhost');
  if (url) {
    noteParameters(url.searchParams, note);
    noteParameters(new URLSearchParams(url.hash.slice(1)), note);
    note('interaction', url.pathname.match(INTERACTION_PATHS)?.[1]);
  }
}

function noteParameters(parameters: URLSearchParams, note: Note): void {
  for (const [name, value] of parameters) {
    if (SECRET_NAMES.has(name)) {
      note(name, value);
    }
  }
}

/**
 * Which secrets the text holds, by name, as they are or in a spelling that anyone can undo: percent-encoded, in JSON, in
 * hexadecimal, or in base64 wherever in a longer text they stood.
 */
export function findSecrets(text: string, secrets: Secrets): string[] {
  return [...secrets].flatMap(([name, values]) =>
    [...values]
      .filter((value) => spellingsOf(value).some((spelling) => text.includes(spelling)))
      .map((value) => `${name} ${value}`),
  );
}

function spellingsOf(value: string): string[] {
  const hex = Buffer.from(value).toString('hex');
  const base64 = [0, 1, 2].map((offset) => insideBase64(value, offset));
  const base64url = base64.map((one) => one.replaceAll('+', '-').replaceAll('/', '_'));
  const json = JSON.stringify(value).slice(1, -1);
  return [value, json, encodeURIComponent(value), hex, hex.toUpperCase(), ...base64, ...base64url];
}

/** The characters of base64 that depend on the value alone when `offset` other bytes come before it. */
function insideBase64(value: string, offset: number): string {
  const encoded = Buffer.concat([Buffer.alloc(offset), Buffer.from(value)])
    .toString('base64')
    .replace(/=+$/, '');
  return encoded.slice(offset === 0 ? 0 : offset + 1, -1);
}
