import { expect } from 'vitest';
import { createAuthenticate } from '../authorization-server/accounts/authenticate.ts';
import { createAccountManagement } from '../authorization-server/accounts/manage-accounts.ts';
import { createPasswordPolicy } from '../authorization-server/accounts/password-policy.ts';
import { createPasswords, type PasswordHasher } from '../authorization-server/accounts/passwords.ts';
import type { Audit } from '../authorization-server/audit/audit.ts';
import { PostgresAccountStore } from '../authorization-server/storage/accounts.ts';
import { createAudit } from '../authorization-server/storage/audit.ts';
import { createPool } from '../database/connect.ts';
import { createTestDatabase } from './database.ts';

export const ALICE = {
  email: 'alice@example.com',
  name: 'Alice',
  roles: ['user'],
  password: 'correct-horse-battery-staple',
};
export const LOCKOUT = { attempts: 10, seconds: 60 };
/** Far too cheap for a real password. */
export const HASHING = { memoryKiB: 64, iterations: 1, parallelism: 1, concurrency: 2, queue: 1000, maxLength: 1024 };

/** Lets short ones be chosen, for tests that are about something else. */
export const POLICY = createPasswordPolicy({
  minLength: 8,
  minLengthWithSecondFactor: 8,
  maxLength: 1024,
  contextWords: [],
});

interface Stores {
  readonly accounts: PostgresAccountStore;
  readonly audit: Audit;
}

interface NodeOptions {
  hashing?: typeof HASHING;
  now?: () => Date;
}

/** A database with accounts, and any number of nodes that sign people in. */
export async function setUpSignIn() {
  const database = await createTestDatabase('authorization-server');
  const pool = createPool({ url: database.url, max: 8, applicationName: 'sign-in' });
  const accounts = new PostgresAccountStore(pool);
  const audit = createAudit(pool, () => undefined);
  const passwords = await createPasswords(HASHING);
  const management = createAccountManagement({ accounts, passwords, policy: POLICY, endAccess: async () => {}, audit });
  return {
    pool,
    accounts,
    passwords,
    management,
    createAlice: async () => (await management.saveAccount(ALICE)).account,
    audit,
    startNode: (options: NodeOptions = {}) => startNode({ accounts, audit }, options),
    async reset() {
      await pool.query('delete from accounts; delete from roles');
      await pool.query(`insert into roles (name) values ('user')`);
    },
    async tearDown() {
      await pool.end();
      await database.drop();
    },
  };
}

/** A node has its own queue of passwords and shares the database; it remembers which hash each verification was given. */
async function startNode({ accounts, audit }: Stores, { hashing = HASHING, now }: NodeOptions) {
  const passwords = await createPasswords(hashing);
  const verified: (string | undefined)[] = [];
  const watched = (hasher: PasswordHasher): PasswordHasher => ({
    ...hasher,
    verifyPassword(passwordHash, password) {
      verified.push(passwordHash);
      return hasher.verifyPassword(passwordHash, password);
    },
  });
  const authenticate = createAuthenticate({
    accounts,
    passwords: { ...passwords, inTurn: (work) => passwords.inTurn((hasher) => work(watched(hasher))) },
    lockout: LOCKOUT,
    audit,
    ...(now && { now }),
  });
  return {
    verified,
    authenticate,
    signIn: (password = ALICE.password, email = ALICE.email) => authenticate({ email, password }),
    async fail(times: number) {
      for (let time = 0; time < times; time += 1) {
        expect(await authenticate({ email: ALICE.email, password: 'wrong' })).toBeUndefined();
      }
    },
  };
}
