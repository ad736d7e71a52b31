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
  const isOneKind = acrOf(amr) === '1fa' || (amr.length === 1 && PHISHING_RESISTANT.includes(amr[0] ?? ''));
  return isOneKind ? amr : [...amr, 'mfa'];
}

/** A session from before there were values has one kind of proof. */
export function reaches(acr: string | undefined, wanted: Acr): boolean {
  return ACR_VALUES.indexOf(isAcr(acr) ? acr : '1fa') >= ACR_VALUES.indexOf(wanted);
}

export function isAcr(value: unknown): value is Acr {
  return ACR_VALUES.includes(value as Acr);
}
