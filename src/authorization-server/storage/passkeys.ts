import type { Pool } from 'pg';
import type { Person } from '../accounts/person.ts';
import type { NewPasskey, Passkey, PasskeyStore, UsedPasskey } from '../authenticators/passkey-store.ts';
import { PERSON_COLUMNS, type PersonRow, personIn } from './person-columns.ts';

const COLUMNS = `credential_id, account_id, public_key, transports, aaguid, device_bound, backed_up, name, created_at, last_used_at`;

const FIND = { name: 'find-passkey', text: `select ${COLUMNS} from passkeys where credential_id = $1` };

const OF_ACCOUNT = {
  name: 'passkeys-of-account',
  text: `select ${COLUMNS} from passkeys where account_id = $1 order by created_at desc, credential_id`,
};

/** Two at once may both be the last that fits; one more does no harm. */
const ADD = `
  insert into passkeys (credential_id, account_id, public_key, counter, transports, aaguid, device_bound, backed_up, name)
  select $1, account_id, $3, $4, $5, $6, $7, $8, $9 from accounts
  where account_id = $2 and (select count(*) from passkeys p where p.account_id = $2) < $10
  on conflict (credential_id) do nothing`;

const ACCEPT = {
  name: 'accept-passkey',
  text: `
    with accepted as (
      update passkeys p set counter = $2, backed_up = $3, last_used_at = now() from accounts a
      where credential_id = $1 and (p.counter < $2 or (p.counter = 0 and $2 = 0))
        and a.account_id = p.account_id and a.disabled_at is null
      returning p.account_id),
    forgiven as (
      update accounts set failed_second_steps = 0, second_steps_throttled_until = null
      where account_id = (select account_id from accepted) and failed_second_steps > 0)
    select ${PERSON_COLUMNS} from accounts a join accepted on accepted.account_id = a.account_id`,
};

/** Passkeys in PostgreSQL. Each method is one statement, and thereby atomic. */
export class PostgresPasskeyStore implements PasskeyStore {
  readonly #pool: Pick<Pool, 'query'>;

  constructor(pool: Pick<Pool, 'query'>) {
    this.#pool = pool;
  }

  async findPasskey(credentialId: string): Promise<Passkey | undefined> {
    const { rows } = await this.#pool.query<PasskeyRow>({ ...FIND, values: [credentialId] });
    return rows[0] && passkeyIn(rows[0]);
  }

  async passkeysOf(accountId: string): Promise<readonly Passkey[]> {
    const { rows } = await this.#pool.query<PasskeyRow>({ ...OF_ACCOUNT, values: [accountId] });
    return rows.map(passkeyIn);
  }

  async addPasskey(passkey: NewPasskey, most: number): Promise<boolean> {
    const { credentialId, accountId, publicKey, counter, transports, aaguid, isDeviceBound, isBackedUp, name } =
      passkey;
    const { rowCount } = await this.#pool.query(ADD, [
      credentialId,
      accountId,
      Buffer.from(publicKey),
      counter,
      transports,
      aaguid,
      isDeviceBound,
      isBackedUp,
      name,
      most,
    ]);
    return rowCount === 1;
  }

  async renamePasskey(accountId: string, credentialId: string, name: string): Promise<boolean> {
    const { rowCount } = await this.#pool.query(
      'update passkeys set name = $3 where account_id = $1 and credential_id = $2',
      [accountId, credentialId, name],
    );
    return rowCount === 1;
  }

  async removePasskey(accountId: string, credentialId: string): Promise<Passkey | undefined> {
    const { rows } = await this.#pool.query<PasskeyRow>(
      `delete from passkeys where account_id = $1 and credential_id = $2 returning ${COLUMNS}`,
      [accountId, credentialId],
    );
    return rows[0] && passkeyIn(rows[0]);
  }

  async acceptPasskey({ credentialId, counter, isBackedUp }: UsedPasskey): Promise<Person | undefined> {
    const { rows } = await this.#pool.query<PersonRow>({ ...ACCEPT, values: [credentialId, counter, isBackedUp] });
    return rows[0] && personIn(rows[0]);
  }
}

interface PasskeyRow {
  readonly credential_id: string;
  readonly account_id: string;
  readonly public_key: Buffer;
  readonly transports: string[];
  readonly aaguid: string;
  readonly device_bound: boolean;
  readonly backed_up: boolean;
  readonly name: string;
  readonly created_at: Date;
  readonly last_used_at: Date | null;
}

function passkeyIn(row: PasskeyRow): Passkey {
  return {
    credentialId: row.credential_id,
    accountId: row.account_id,
    publicKey: new Uint8Array(row.public_key),
    transports: row.transports,
    aaguid: row.aaguid,
    isDeviceBound: row.device_bound,
    isBackedUp: row.backed_up,
    name: row.name,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at ?? undefined,
  };
}
