import type { Person, SecondFactor } from '../accounts/person.ts';
import { ACCOUNT_COLUMNS, type AccountColumns, accountIn } from './account-columns.ts';

export interface PersonRow extends AccountColumns {
  readonly account_id: string;
  readonly second_factors: SecondFactor[];
  readonly recovery_codes_left: number;
  readonly password_stamp: string;
}

/** Where each of them is kept: a condition on `accounts a`. */
const HAS_FACTOR: Readonly<Record<SecondFactor, string>> = {
  totp: 'exists (select from totp_factors f where f.account_id = a.account_id)',
  passkey: 'exists (select from passkeys p where p.account_id = a.account_id)',
};

const FACTORS = Object.entries(HAS_FACTOR).map(([factor, condition]) => `case when ${condition} then '${factor}' end`);

/** For a statement about `accounts a`. */
export const PERSON_COLUMNS = `
  a.account_id, ${ACCOUNT_COLUMNS},
  array_remove(array[${FACTORS}], null) as second_factors,
  (select count(*)::integer from recovery_codes c where c.account_id = a.account_id and c.used_at is null) as recovery_codes_left,
  encode(substr(sha256(convert_to(coalesce(a.password_hash, ''), 'UTF8')), 1, 9), 'base64') as password_stamp`;

export function personIn(row: PersonRow): Person {
  return {
    account: accountIn(row.account_id, row),
    secondFactors: row.second_factors,
    recoveryCodesLeft: row.recovery_codes_left,
    passwordStamp: row.password_stamp,
  };
}
