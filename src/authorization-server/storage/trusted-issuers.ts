import type { Pool } from 'pg';
import type { TrustedIssuer, TrustedIssuerStore } from '../clients/trusted-issuer.ts';
import type { Outcome } from '../directory/apply-directory.ts';

const FIND = {
  name: 'find-trusted-issuer',
  text: `select issuer, jwks, jwks_uri as "jwksUri", clients, scopes, subject from trusted_issuers where issuer = $1`,
};

const SAVE = `
  with existing as (select from trusted_issuers where issuer = $1)
  insert into trusted_issuers as known (issuer, jwks, jwks_uri, clients, scopes, subject) values ($1, $2, $3, $4, $5, $6)
  on conflict (issuer) do update set
    jwks = excluded.jwks, jwks_uri = excluded.jwks_uri, clients = excluded.clients, scopes = excluded.scopes,
    subject = excluded.subject, updated_at = now()
  where (known.jwks, known.jwks_uri, known.clients, known.scopes, known.subject)
    is distinct from (excluded.jwks, excluded.jwks_uri, excluded.clients, excluded.scopes, excluded.subject)
  returning exists (select from existing) as existed`;

interface TrustedIssuerRow extends Omit<TrustedIssuer, 'jwks' | 'jwksUri'> {
  readonly jwks: TrustedIssuer['jwks'] | null;
  readonly jwksUri: string | null;
}

/** Trusted issuers in PostgreSQL. Each method is one statement. */
export class PostgresTrustedIssuerStore implements TrustedIssuerStore {
  readonly #database: Pick<Pool, 'query'>;

  constructor(database: Pick<Pool, 'query'>) {
    this.#database = database;
  }

  async findTrustedIssuer(issuer: string): Promise<TrustedIssuer | undefined> {
    if (issuer.includes('\0')) {
      return undefined;
    }
    const { rows } = await this.#database.query<TrustedIssuerRow>({ ...FIND, values: [issuer] });
    const [row] = rows;
    return row && { ...row, jwks: row.jwks ?? undefined, jwksUri: row.jwksUri ?? undefined };
  }

  /** Writes nothing when the issuer is stored like this already. */
  async saveTrustedIssuer({ issuer, jwks, jwksUri, clients, scopes, subject }: TrustedIssuer): Promise<Outcome> {
    const values = [issuer, jwks && JSON.stringify(jwks), jwksUri, clients.toSorted(), scopes.toSorted(), subject];
    const { rows } = await this.#database.query<{ existed: boolean }>(SAVE, values);
    return rows[0] === undefined ? 'unchanged' : rows[0].existed ? 'updated' : 'created';
  }
}
