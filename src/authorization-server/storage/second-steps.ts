import type { Pool } from 'pg';
import { inTransaction } from '../../database/transaction.ts';
import type { Lockout } from '../accounts/authenticate.ts';
import type { Person } from '../accounts/person.ts';
import type { NewTotp, ReservedSecondStep, SecondStepStore } from '../authenticators/second-steps.ts';
import { PERSON_COLUMNS, type PersonRow, personIn } from './person-columns.ts';

/** Seconds: of a throttle, however many came before it. */
const LONGEST_THROTTLE = 86_400;

const FIND_PERSON = { name: 'find-person', text: `select ${PERSON_COLUMNS} from accounts a where a.account_id = $1` };

const RESERVE = {
  name: 'reserve-second-step',
  text: `
    with clock as (select coalesce($4::timestamptz, now()) as now),
    reserved as (
      update accounts set
        failed_second_steps = failed_second_steps + 1,
        second_steps_throttled_until = case when (failed_second_steps + 1) % $2::integer = 0 then
          clock.now + make_interval(secs => least(
            $3::float8 * power(2, least((failed_second_steps + 1) / $2::integer - 1, 30)), ${LONGEST_THROTTLE})) end
      from clock
      where account_id = $1 and (second_steps_throttled_until is null or second_steps_throttled_until <= clock.now)
      returning account_id)
    select f.sealed_seed, f.last_step from reserved left join totp_factors f using (account_id)`,
};

const ACCEPT = (condition: string) => `
  with accepted as (${condition}),
  forgiven as (
    update accounts set failed_second_steps = 0, second_steps_throttled_until = null
    where account_id = (select account_id from accepted))
  select ${PERSON_COLUMNS} from accounts a join accepted on accepted.account_id = a.account_id`;

const MAY_SIGN_IN = 'exists (select from accounts where account_id = $1 and disabled_at is null)';

const ACCEPT_TOTP = {
  name: 'accept-totp',
  text: ACCEPT(`
    update totp_factors set last_step = $2, sealed_seed = coalesce($3, sealed_seed)
    where account_id = $1 and last_step < $2 and ${MAY_SIGN_IN} returning account_id`),
};

const ACCEPT_RECOVERY_CODE = {
  name: 'accept-recovery-code',
  text: ACCEPT(`
    update recovery_codes set used_at = now()
    where account_id = $1 and code_hash = $2 and used_at is null and ${MAY_SIGN_IN} returning account_id`),
};

const SAVE_TOTP = {
  name: 'save-totp',
  text: `
    insert into totp_factors (account_id, sealed_seed, last_step)
    select account_id, $2, $3 from accounts where account_id = $1
    on conflict (account_id) do update set
      sealed_seed = excluded.sealed_seed, last_step = excluded.last_step, created_at = excluded.created_at
      where $4::boolean`,
};

/** Second steps in PostgreSQL. Each method but `replaceRecoveryCodes` is one statement, and thereby atomic. */
export class PostgresSecondStepStore implements SecondStepStore {
  readonly #pool: Pick<Pool, 'query' | 'connect'>;

  constructor(pool: Pick<Pool, 'query' | 'connect'>) {
    this.#pool = pool;
  }

  async findPerson(accountId: string): Promise<Person | undefined> {
    return this.#person({ ...FIND_PERSON, values: [accountId] });
  }

  async reserveSecondStep(
    accountId: string,
    { attempts, seconds }: Lockout,
    now?: Date,
  ): Promise<ReservedSecondStep | undefined> {
    const { rows } = await this.#pool.query<{ sealed_seed: string | null; last_step: string | null }>({
      ...RESERVE,
      values: [accountId, attempts, seconds, now],
    });
    const [row] = rows;
    if (row === undefined) {
      return undefined;
    }
    const { sealed_seed: sealedSeed, last_step: lastStep } = row;
    return { totp: sealedSeed === null ? undefined : { sealedSeed, lastStep: Number(lastStep) } };
  }

  async acceptTotp(accountId: string, step: number, sealedSeed: string | undefined): Promise<Person | undefined> {
    return this.#person({ ...ACCEPT_TOTP, values: [accountId, step, sealedSeed] });
  }

  async acceptRecoveryCode(accountId: string, codeHash: string): Promise<Person | undefined> {
    const person = await this.#person({ ...ACCEPT_RECOVERY_CODE, values: [accountId, codeHash] });
    // One statement sees its own beginning, when this code was still there.
    return person && { ...person, recoveryCodesLeft: person.recoveryCodesLeft - 1 };
  }

  async saveTotp({ accountId, sealedSeed, step, replaces }: NewTotp): Promise<boolean> {
    const { rowCount } = await this.#pool.query({ ...SAVE_TOTP, values: [accountId, sealedSeed, step, replaces] });
    return rowCount === 1;
  }

  async removeTotp(accountId: string): Promise<boolean> {
    const { rowCount } = await this.#pool.query('delete from totp_factors where account_id = $1', [accountId]);
    return rowCount === 1;
  }

  async replaceRecoveryCodes(accountId: string, codeHashes: readonly string[]): Promise<void> {
    await inTransaction(this.#pool, async (client) => {
      // Only a statement that begins with the lock sees the codes of whoever replaced them a moment ago.
      await client.query('select from accounts where account_id = $1 for update', [accountId]);
      await client.query('delete from recovery_codes where account_id = $1', [accountId]);
      await client.query(
        `insert into recovery_codes (account_id, code_hash)
         select account_id, unnest($2::text[]) from accounts where account_id = $1`,
        [accountId, codeHashes],
      );
    });
  }

  async findTotp(accountId: string): Promise<{ readonly createdAt: Date } | undefined> {
    const { rows } = await this.#pool.query<{ created_at: Date }>(
      'select created_at from totp_factors where account_id = $1',
      [accountId],
    );
    return rows[0] && { createdAt: rows[0].created_at };
  }

  async #person(query: { readonly name: string; readonly text: string; readonly values: unknown[] }) {
    const { rows } = await this.#pool.query<PersonRow>(query);
    return rows[0] && personIn(rows[0]);
  }
}
