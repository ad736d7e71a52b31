import { errors } from 'oidc-provider';

/** What is sent as JSON, or as a JWT with JSON in it. */
const DOCUMENTS = [
  'request',
  'client_assertion',
  'assertion',
  'subject_token',
  'actor_token',
  'id_token_hint',
  'login_hint_token',
  'claims',
  'authorization_details',
] as const;

/** Lists and objects within each other. Real documents have about five; the engine (9.13.3) follows them until its stack ends. */
const DEEPEST = 32;

/**
 * Refuses what the engine would fail over before it looks who signed it: JSON that is nested without end, and a request
 * object with a member that cannot be written as the text that a parameter is.
 *
 * An encrypted request object is looked at when it has been decrypted and takes the place of what was sent.
 */
export function requireReadableDocuments(parameters: Readonly<Record<string, unknown>>): void {
  for (const name of DOCUMENTS) {
    const sent = parameters[name];
    if (typeof sent === 'string') {
      requireReadable(name, sent);
    }
  }
  const { request } = parameters;
  if (typeof request === 'string' && request.split('.').length === 5) {
    let current: unknown = request;
    Object.defineProperty(parameters, 'request', {
      get: () => current,
      set(decrypted: unknown) {
        current = decrypted;
        requireReadable('request', String(decrypted));
      },
    });
  }
}

function requireReadable(name: (typeof DOCUMENTS)[number], document: string): void {
  const parts = /^[[{\s]/.test(document) ? [document] : document.split('.', 2).map(decode);
  if (parts.some((json) => depthOf(json) > DEEPEST)) {
    throw refusal(name, `${name} has more than ${DEEPEST} lists or objects within each other`);
  }
  if (name === 'request' && !parts.every(canBeParameters)) {
    throw refusal(name, 'the request object has a member that is no text');
  }
}

function refusal(name: string, sentence: string): Error {
  return name === 'request' ? new errors.InvalidRequestObject(sentence) : new errors.InvalidRequest(sentence);
}

function decode(part: string): string {
  return Buffer.from(part, 'base64url').toString();
}

/** Of JSON; of anything else whatever comes out, which nobody will parse. */
function depthOf(json: string): number {
  let depth = 0;
  let deepest = 0;
  for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}]/gs)) {
    if (token === '[' || token === '{') {
      depth += 1;
      deepest = Math.max(deepest, depth);
    } else if (token === ']' || token === '}') {
      depth -= 1;
    }
  }
  return deepest;
}

/** `{"toString":1}` is an object that JavaScript cannot make a text of. */
function canBeParameters(json: string): boolean {
  let members: unknown;
  try {
    members = JSON.parse(json);
  } catch {
    return true; // The engine says what is wrong with it.
  }
  try {
    return Object.values(members ?? {}).every((value) => typeof String(value) === 'string');
  } catch {
    return false;
  }
}
