import { randomBytes } from 'node:crypto';
import { TOTP } from 'otpauth';
import type { Account } from '../../authorization-server/accounts/account.ts';
import { canonicalEmail } from '../../authorization-server/accounts/email.ts';
import { createAccountManagement } from '../../authorization-server/accounts/manage-accounts.ts';
import { createPasswords } from '../../authorization-server/accounts/passwords.ts';
import { StandardClaims } from '../../authorization-server/accounts/standard-claims.ts';
import { assembleSecondFactors } from '../../authorization-server/assembly/sign-in.ts';
import { endAll } from '../../authorization-server/storage/end-all.ts';
import { revokeByAccountId } from '../../authorization-server/storage/revocation-statements.ts';
import type { Instance } from '../instance.ts';
import { type CreatedAccount, NewAccount, type TestAccount } from '../protocol.ts';
import { ControlError } from './control-error.ts';
import { parsed, type Route } from './route.ts';

export const accountRoutes: readonly Route[] = [
  { method: 'POST', path: '/accounts', answer: (instance, { body }) => create(instance, parsed(NewAccount, body)) },
  { method: 'GET', path: '/accounts', answer: list },
  {
    method: 'GET',
    path: '/accounts/:account',
    answer: async (instance, { parameters: { account = '' } }) => {
      const found = await findAccount(instance, account);
      return found === undefined ? null : described(found);
    },
  },
  { method: 'POST', path: '/accounts/:account/disable', answer: setDisabled(true) },
  { method: 'POST', path: '/accounts/:account/enable', answer: setDisabled(false) },
  {
    method: 'DELETE',
    path: '/accounts/:account',
    async answer(instance, { parameters: { account = '' } }) {
      const { accountId } = await requireAccount(instance, account);
      await (await managementOf(instance)).deleteAccount(accountId);
    },
  },
];

/** By id or email; throws where there is none. */
export async function requireAccount(instance: Instance, reference: string): Promise<Account> {
  const found = await findAccount(instance, reference);
  if (found === undefined) {
    throw new ControlError(404, `There is no account ${reference}.`);
  }
  return found;
}

async function findAccount({ server }: Instance, reference: string): Promise<Account | undefined> {
  const { accounts } = server.stores;
  const email = canonicalEmail(reference);
  return email === undefined ? accounts.findAccount(reference) : accounts.findByEmail(email);
}

async function list({ pool, server }: Instance): Promise<TestAccount[]> {
  const { rows } = await pool.query<{ account_id: string }>(
    'select account_id from accounts order by created_at, email',
  );
  const all = await Promise.all(rows.map(({ account_id }) => server.stores.accounts.findAccount(account_id)));
  return all.flatMap((account) => (account === undefined ? [] : [described(account)]));
}

function described({ accountId, email, emailVerified, name, roles, disabled }: Account): TestAccount {
  return { id: accountId, email, emailVerified, name, roles, disabled };
}

function setDisabled(disabled: boolean): Route['answer'] {
  return async (instance, { parameters: { account = '' } }) => {
    const { accountId } = await requireAccount(instance, account);
    await (await managementOf(instance)).setDisabled(accountId, disabled);
  };
}

async function create(instance: Instance, wanted: NewAccount): Promise<CreatedAccount> {
  const { email = `person-${randomBytes(5).toString('hex')}@example.com`, name = 'Pat Person' } = wanted;
  const { password = randomBytes(12).toString('base64url'), emailVerified, claims, totp } = wanted;
  if ((await findAccount(instance, email)) !== undefined) {
    throw new ControlError(409, `There is an account ${email} already.`);
  }
  const { account } = await (await managementOf(instance)).saveAccount({
    email,
    name,
    password: password ?? undefined,
    emailVerified,
    roles: wanted.roles ?? (await usualRoles(instance)),
    claims: claims === undefined ? undefined : parsed(StandardClaims, claims),
  });
  return { ...described(account), password, ...(totp && { totp: await setUpTotp(instance, account) }) };
}

/** Whoever writes a test chooses what is typed in it, so any password will do. */
async function managementOf({ config, server, pool }: Instance) {
  const { accounts, audit } = server.stores;
  return createAccountManagement({
    accounts,
    audit,
    passwords: await createPasswords(config.passwords),
    policy: { offlineProblem: () => undefined },
    endAccess: async (accountId) => void (await endAll(pool, revokeByAccountId(accountId))),
  });
}

async function usualRoles({ server }: Instance): Promise<string[]> {
  const roles = await server.stores.resources.listRoles();
  return roles.map(({ name }) => name).filter((name) => name === 'user');
}

/** As its holder would, and half a minute before now: the code that the app shows at present has not been used. */
async function setUpTotp({ config, server: { stores }, pool }: Instance, account: Account) {
  const { totp, recoveryCodes } = assembleSecondFactors({ config, stores });
  const { accountId } = account;
  const { key, uri, sealed } = totp.propose(account);
  const secret = key.replaceAll(' ', '');
  const code = new TOTP({ secret }).generate();
  await totp.confirm({ accountId, sealed, code, replaces: true });
  await pool.query('update totp_factors set last_step = last_step - 2 where account_id = $1', [accountId]);
  return { secret, uri, recoveryCodes: await recoveryCodes.make(accountId) };
}
