/** What is told of: closed, so that the page which puts it into words leaves nothing out. */
export const AUDIT_KINDS = [
  'sign_in',
  'sign_in_failed',
  'sign_in_throttled',
  'sign_out',
  'session_ended',
  'consent_given',
  'consent_denied',
  'grant_changed',
  'grant_revoked',
  'code_reused',
  'refresh_token_reused',
  'account_created',
  'account_deleted',
  'account_disabled',
  'account_enabled',
  'roles_changed',
  'profile_changed',
  'email_verified',
  'email_changed',
  'password_changed',
  'password_reset_requested',
  'password_reset',
  'second_factor_added',
  'second_factor_removed',
  'passkey_added',
  'passkey_removed',
  'recovery_codes_made',
  'recovery_code_used',
  'personal_access_token_made',
  'personal_access_token_revoked',
  'identity_linked',
  'identity_unlinked',
  'invitation_sent',
  'invitation_accepted',
  'data_exported',
  'request_refused',
  'directory_changed',
] as const;
export type AuditKind = (typeof AUDIT_KINDS)[number];

export interface AuditEvent {
  readonly kind: AuditKind;
  /** Whom it is about; the account's own activity page shows it. */
  readonly accountId?: string | undefined;
  readonly clientId?: string | undefined;
  /** Never a secret, a token, or anything that is typed into a password field. */
  readonly details?: Readonly<Record<string, string | number | boolean | readonly string[]>> | undefined;
}

export interface AuditRow extends AuditEvent {
  readonly id: string;
  readonly at: Date;
  /** Of the request that did it; `undefined` for what a command or a job did. */
  readonly requestId: string | undefined;
  readonly address: string | undefined;
  readonly userAgent: string | undefined;
}

/** Who did what, when and from where. Rows are never changed, and leave when `audit.retention` is over. */
export interface Audit {
  /**
   * Resolves when the row is committed: before what it tells of is acknowledged. Which request it belongs to it knows by
   * itself (provider/current-request.ts). Returns the row's id.
   */
  record(event: AuditEvent): Promise<string>;
  /** The newest first, at most `limit`; older than the row with the id `before`. */
  ofAccount(accountId: string, options: { limit: number; before?: string | undefined }): Promise<readonly AuditRow[]>;
  find(id: string): Promise<AuditRow | undefined>;
}
