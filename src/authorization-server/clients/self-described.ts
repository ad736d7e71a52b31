/**
 * Clients that describe themselves: by registering (RFC 7591), or by a document at the URL that is their id. Nobody vouches
 * for what they say, so they get what the operator lets such clients have, and no more.
 */
import { METADATA_FIELDS, type Metadata } from './metadata.ts';
import { ClientRegistration, goesWith } from './registration.ts';

/** What such a client may have at most. */
export interface Allowance {
  readonly grantTypes: readonly string[];
  readonly scopes: readonly string[];
}

/** RFC 7591 §3.2.2: a sentence that begins with the name of the field. */
export class MetadataProblem extends Error {
  override readonly name = 'MetadataProblem';
}

type Fields = Record<string, unknown>;

/**
 * What is registered for a client that says `described` of itself. RFC 7591 §2: a field that is not known here is ignored,
 * as if it had not been sent; null is nothing sent. Scopes that it may not have are left out (§3.2.1: the answer tells);
 * a grant that it may not have is an error, because the client would not work. Throws `MetadataProblem`.
 */
export function registrationFrom(described: Fields, allowance: Allowance): Metadata {
  const fields = knownFields(described);
  const metadata = parse({ application_type: applicationTypeOf(fields), ...fields, ...scopesOf(fields, allowance) });
  const beyond = metadata.grant_types.filter((grant) => !allowance.grantTypes.includes(grant));
  if (beyond.length > 0) {
    const there = allowance.grantTypes.join(', ') || 'none';
    const sentence = `grant_types has ${beyond.join(', ')}, which a client that registers itself does not get; it may have ${there}`;
    throw new MetadataProblem(sentence);
  }
  if (UNREADABLE.test(JSON.stringify(metadata))) {
    throw new MetadataProblem('the metadata has characters that nobody can read');
  }
  return metadata;
}

/** NUL and halves of characters, as JSON writes them: the database keeps neither. */
const UNREADABLE = /\\u(?:0000|d[89a-f])/i;

/** For a document: those in which a person is asked. */
const DOCUMENT_GRANTS: readonly unknown[] = [
  'authorization_code',
  'refresh_token',
  'urn:ietf:params:oauth:grant-type:device_code',
];

/**
 * A document speaks to every authorization server there is: what of its grants and response types a client may not have here
 * is left out. A secret is nothing that two parties could agree on by a public document, so none is the default.
 */
export function narrowedTo(allowance: Allowance, described: Fields): Fields {
  const { grant_types: grants, response_types: types } = described;
  const mayHave = (one: unknown) =>
    DOCUMENT_GRANTS.includes(one) && allowance.grantTypes.some((grant) => grant === one);
  return {
    token_endpoint_auth_method: 'none',
    ...described,
    ...(Array.isArray(grants) && { grant_types: grants.filter(mayHave) }),
    ...(Array.isArray(types) && { response_types: types.filter((one) => one === 'code') }),
  };
}

/**
 * What only an operator lets a client have: `authorization_details_types` go beyond any scope that could be allowed here, and
 * a client of the operator's own asks nobody.
 */
const OF_OPERATORS: readonly string[] = ['authorization_details_types', 'first_party'];

function knownFields(described: Fields): Fields {
  return Object.fromEntries(
    METADATA_FIELDS.flatMap((field) => {
      const says = Object.hasOwn(described, field) && !OF_OPERATORS.includes(field);
      const value = says ? described[field] : undefined;
      return value === undefined || value === null ? [] : [[field, value]];
    }),
  );
}

/**
 * OpenID Connect Registration §2 has "web" as the default. An app that can be reached on its own device only is none, says
 * so or not, and its loopback redirects may then come with any port (RFC 8252 §7.3).
 */
function applicationTypeOf({ redirect_uris: uris }: Fields): 'web' | 'native' {
  return Array.isArray(uris) && uris.length > 0 && uris.every((uri) => typeof uri === 'string' && !/^https:/i.test(uri))
    ? 'native'
    : 'web';
}

function scopesOf({ scope, default_scope, required_scopes, grant_types }: Fields, { scopes }: Allowance): Fields {
  if (scope !== undefined && typeof scope !== 'string') {
    return {};
  }
  const grants = Array.isArray(grant_types) ? grant_types : ['authorization_code'];
  const asked = scope?.split(' ').filter((one) => one !== '') ?? scopes.filter((one) => goesWith(grants, one));
  const registered = [...new Set(asked)].filter((one) => scopes.includes(one));
  if (registered.length > 0) {
    const usual = scope === undefined ? leastOf(registered) : registered;
    return {
      scope: registered.join(' '),
      default_scope: default_scope ?? usual.join(' '),
      ...(typeof required_scopes === 'string' && { required_scopes: within(required_scopes, registered) }),
    };
  }
  if (asked.length > 0) {
    const there = scopes.join(' ') || 'none';
    throw new MetadataProblem(`scope has nothing that a client that registers itself may have; there is ${there}`);
  }
  return { scope: undefined };
}

/** What it may not have cannot be required of anybody. */
function within(scope: string, registered: readonly string[]): string | undefined {
  const left = scope.split(' ').filter((one) => registered.includes(one));
  return left.length > 0 ? left.join(' ') : undefined;
}

/** What a request without a scope is for, of a client that never named one: nothing that a person is known by. */
function leastOf(scopes: readonly string[]): readonly string[] {
  const ofResourceServers = scopes.filter((one) => goesWith([], one));
  return ofResourceServers.length > 0 ? ofResourceServers : scopes.slice(0, 1);
}

function parse(fields: Fields): Metadata {
  const present = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
  const parsed = ClientRegistration.safeParse(present);
  if (parsed.success) {
    return parsed.data;
  }
  const [issue] = parsed.error.issues;
  const fix = issue?.code === 'custom' && typeof issue.params?.fix === 'string' ? `: ${issue.params.fix}` : '';
  const problem = (issue?.message ?? 'is not valid').replace(/^./, (letter) => letter.toLowerCase());
  throw new MetadataProblem(`${issue?.path.join('.')} ${problem}${fix}`);
}
