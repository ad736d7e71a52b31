/**
 * Authorization details (RFC 9396): what a scope cannot say, because it is about one file, one payment, one record. A
 * resource server declares which types it knows, and of each what a detail may and must say.
 */
export const FIELD_KINDS = ['string', 'number', 'boolean', 'list'] as const;
export type FieldKind = (typeof FIELD_KINDS)[number];

export interface AuthorizationDetailsField {
  readonly name: string;
  /** On the consent page, in front of the value. */
  readonly label: string;
  /** A list is one of strings. */
  readonly kind: FieldKind;
  readonly required: boolean;
  /** Of a string, or of the members of a list: what they may be. Anything where this is absent. */
  readonly values?: readonly string[];
}

export interface AuthorizationDetailsType {
  readonly type: string;
  /** What it permits, in words for the consent page: completes "This app will be able to ...". */
  readonly description: string;
  /** Of the same resource server: what the roles of an account must permit, or it may allow nobody anything of this type. */
  readonly scopes: readonly string[];
  readonly fields: readonly AuthorizationDetailsField[];
}

/** One of them, as a client sends it. */
export interface AuthorizationDetail {
  readonly type: string;
  readonly [name: string]: unknown;
}

/** A person is to read them all. */
export const MOST_DETAILS = 10;
const LONGEST_TEXT = 200;
const LONGEST_LIST = 20;

/**
 * What is wrong with a detail, in words for the client; `undefined` when nothing is. `locations` may always say which
 * resource server it is for (RFC 9396 §2.2).
 */
export function detailProblem(
  detail: AuthorizationDetail,
  { fields }: AuthorizationDetailsType,
  resourceServer: string,
): string | undefined {
  const { type: _type, locations, ...said } = detail;
  if (locations !== undefined && [locations].flat().some((location) => location !== resourceServer)) {
    return `is for ${resourceServer}, and locations names another place`;
  }
  const known = new Map(fields.map((field) => [field.name, field]));
  const unknown = Object.keys(said).find((name) => !known.has(name));
  if (unknown !== undefined) {
    return `has no field ${printable(unknown)}; it has ${fields.map(({ name }) => name).join(', ') || 'none'}`;
  }
  for (const field of fields) {
    const value = Object.hasOwn(said, field.name) ? said[field.name] : undefined;
    const problem = value === undefined ? (field.required ? 'is missing' : undefined) : valueProblem(value, field);
    if (problem !== undefined) {
      return `is not well said: ${field.name} ${problem}`;
    }
  }
  return undefined;
}

function valueProblem(value: unknown, { kind, values }: AuthorizationDetailsField): string | undefined {
  if (kind === 'number' || kind === 'boolean') {
    const fits = kind === 'number' ? Number.isFinite(value) : typeof value === 'boolean';
    return fits ? undefined : `is not a ${kind}`;
  }
  const texts = kind === 'list' ? value : [value];
  if (!Array.isArray(texts) || texts.length === 0 || texts.length > LONGEST_LIST || !texts.every(isReadable)) {
    const text = `of 1 to ${LONGEST_TEXT} readable characters`;
    return kind === 'list' ? `is not a list of 1 to ${LONGEST_LIST} strings, each ${text}` : `is not a string ${text}`;
  }
  const other = values && texts.find((text) => !values.includes(text));
  return other === undefined ? undefined : `is none of ${values?.join(', ')}`;
}

/** Invisible characters could turn what a person reads into something else. */
function isReadable(text: unknown): boolean {
  return typeof text === 'string' && text !== '' && text.length <= LONGEST_TEXT && !/[\p{Cc}\p{Cf}\p{Cs}]/u.test(text);
}

/** RFC 6749 §5.2: the characters that an `error_description` may have. */
function printable(name: string): string {
  return name.slice(0, 60).replace(/[^\x20\x21\x23-\x5B\x5D-\x7E]/g, '?');
}

/**
 * Does the one permit nothing that the other does not (RFC 9396 §6.1)? It says the same, or less of a list: of a string or
 * a number nobody but the resource server knows what is less.
 */
export function isWithin(detail: AuthorizationDetail, granted: AuthorizationDetail): boolean {
  const names = new Set([...Object.keys(detail), ...Object.keys(granted)]);
  return [...names].every((name) => {
    const [asked, had] = [detail[name], granted[name]];
    return Array.isArray(asked) && Array.isArray(had) ? asked.every((one) => had.includes(one)) : asked === had;
  });
}
