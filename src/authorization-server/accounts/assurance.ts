/**
 * How surely somebody is who they say (OpenID Connect Core §2: `acr`). Each value includes those before it: one kind of
 * proof, two kinds, or one that cannot be phished (a passkey; the name is the one of EAP ACR Values 1.0).
 */
export const ACR_VALUES = ['1fa', 'mfa', 'phr'] as const;
export type Acr = (typeof ACR_VALUES)[number];

/** A key that answers for one site only (RFC 8176: in hardware or in software). */
const PHISHING_RESISTANT = ['hwk', 'swk'];

/** What a person does at the key, or is told of several kinds: no kind of its own. */
const NO_KIND = ['user', 'mfa'];

export function acrOf(amr: readonly string[]): Acr {
  if (amr.some((method) => PHISHING_RESISTANT.includes(method))) {
    return 'phr';
  }
  return new Set(amr.filter((method) => !NO_KIND.includes(method))).size > 1 ? 'mfa' : '1fa';
}

/** `amr` of several proofs taken together, with `mfa` where they are of two kinds (RFC 8176 §2). */
export function combinedAmr(...proofs: readonly (readonly string[])[]): string[] {
  const amr = [...new Set(proofs.flat())].filter((method) => method !== 'mfa');
  const isOneKind = amr.length < 2 || acrOf(amr) === '1fa';
  return isOneKind ? amr : [...amr, 'mfa'];
}

/** A session from before there were values has one kind of proof. */
export function reaches(acr: string | undefined, wanted: Acr): boolean {
  return ACR_VALUES.indexOf(isAcr(acr) ? acr : '1fa') >= ACR_VALUES.indexOf(wanted);
}

export function isAcr(value: unknown): value is Acr {
  return ACR_VALUES.includes(value as Acr);
}

/** What a client asks for. */
export interface AskedAcr {
  /** Any of these will do; `undefined` where it does not matter. */
  readonly values: readonly Acr[] | undefined;
  /** The request fails otherwise. */
  readonly essential: boolean;
}

/**
 * OpenID Connect Core §3.1.2.1 and §5.5.1.1: `acr_values` is a wish, and so is the claim `acr` unless it is essential. What an
 * essential claim asks for goes before a wish. Values that nobody here knows are passed over; provider/claim-responses.ts has
 * refused those that are essential.
 */
export function askedAcr({ acr_values, claims }: Readonly<Record<string, unknown>>): AskedAcr {
  const claim = typeof claims === 'string' ? JSON.parse(claims)?.id_token?.acr : undefined;
  const { essential = false, value, values = value === undefined ? undefined : [value] } = claim ?? {};
  const wished = typeof acr_values === 'string' ? acr_values.split(' ') : undefined;
  const named: unknown = essential === true && values !== undefined ? values : (wished ?? values);
  const known = Array.isArray(named) ? named.filter(isAcr) : [];
  return known.length === 0
    ? { values: undefined, essential: false }
    : { values: known, essential: essential === true && named === values };
}

export function isMet(acr: string | undefined, { values }: AskedAcr): boolean {
  return values === undefined || values.some((wanted) => reaches(acr, wanted));
}

/** What a client is told: the surest of those that it asked for, because it knows those; else how it is. */
export function toldAcr(acr: string | undefined, { values = [] }: AskedAcr): Acr {
  const reached = values.filter((wanted) => reaches(acr, wanted));
  return ACR_VALUES.findLast((one) => reached.includes(one)) ?? (isAcr(acr) ? acr : '1fa');
}
