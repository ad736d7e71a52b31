/** What is known of a token besides its value, which is known to nobody here. */
export interface HeldToken {
  readonly kind: string;
  readonly clientId: string | undefined;
  readonly scope: string | undefined;
  readonly issuedAt: Date | undefined;
  readonly expiresAt: Date | undefined;
}
