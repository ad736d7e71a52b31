import { errors, type KoaContextWithOIDC } from 'oidc-provider';

/** Parameters of one request, each value of a repeated one counted. Real requests have fewer than twenty. */
const MOST_PARAMETERS = 100;

/** Characters. What is not named below is a word, an id or a URL. */
const LONGEST = 2_048;

/** Twice what a browser's address takes everywhere: some clients keep their whole state in it (RFC 6749 §4.1.1). */
const LONGEST_STATE = 8_192;

/** JWTs and JSON, with keys, claims or certificates in them. */
const LONGEST_DOCUMENT = 32_768;

/** As long as a body is at most: whatever it is, the answer is that no such token is known (RFC 7662 §2.2). */
const NO_LIMIT = Number.POSITIVE_INFINITY;

const LONGEST_BY_NAME: ReadonlyMap<string, number> = new Map([
  ['state', LONGEST_STATE],
  ['scope', LONGEST_STATE],
  // The account store knows how long a password may be, and its answer is the same as to a wrong one.
  ['password', NO_LIMIT],
  ['claims', LONGEST_STATE],
  ['id_token_hint', LONGEST_STATE],
  ['login_hint_token', LONGEST_STATE],
  ['authorization_details', LONGEST_DOCUMENT],
  ['request', LONGEST_DOCUMENT],
  ['client_assertion', LONGEST_DOCUMENT],
  ['assertion', LONGEST_DOCUMENT],
  ['subject_token', LONGEST_DOCUMENT],
  ['actor_token', LONGEST_DOCUMENT],
  ['token', NO_LIMIT],
]);

/** Without them nobody knows whom to tell, or where. */
const NEEDED_TO_ANSWER: ReadonlySet<string> = new Set(['client_id', 'redirect_uri', 'state', 'response_mode']);

/**
 * How much a request may say, at every endpoint that takes parameters, in the query or in the body. It is asked once for
 * each request, before anything is looked up. What a request object says is as long as `request` at most.
 */
export function limitParameters(ctx: KoaContextWithOIDC, parameters: Readonly<Record<string, unknown>>): void {
  const sent = (ctx.method === 'POST' ? ctx.oidc.body : ctx.query) ?? {};
  let count = 0;
  for (const name in sent) {
    const value = sent[name];
    count += Array.isArray(value) ? value.length : 1;
  }
  if (count > MOST_PARAMETERS) {
    throw refusal(`the request has more than ${MOST_PARAMETERS} parameters`, false);
  }
  for (const name in parameters) {
    const value = parameters[name];
    const longest = LONGEST_BY_NAME.get(name) ?? LONGEST;
    if (typeof value === 'string' ? value.length > longest : isLongList(value, longest)) {
      throw refusal(`${name} is longer than ${longest} characters`, !NEEDED_TO_ANSWER.has(name));
    }
  }
}

function isLongList(value: unknown, longest: number): boolean {
  return Array.isArray(value) && value.some((one) => String(one).length > longest);
}

function refusal(description: string, allow_redirect: boolean): Error {
  return Object.assign(new errors.InvalidRequest(description), { allow_redirect });
}
