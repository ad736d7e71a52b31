import type { TestServer } from './authorization-server.ts';
import { DEMO_PASSWORD, UserAgent, type Visit } from './user-agent.ts';

interface Person {
  readonly email: string;
  readonly password?: string;
}

const ALICE: Person = { email: 'alice@example.com' };

/** A page of the account console in this browser: `''` for the overview, `/profile`. Signs in where it is asked to. */
export async function openConsole(browser: UserAgent, path = '', person = ALICE): Promise<Visit> {
  const visit = await browser.get(`${browser.node}/account${path}`);
  return /action="[^"]*\/sign-in"/.test(visit.html) ? browser.signIn(visit, person) : visit;
}

/** Somebody at the console, in a browser of their own. */
export async function visitorOf(server: { readonly issuer: string }, person = ALICE): Promise<UserAgent> {
  const browser = new UserAgent(server.issuer);
  const { url, status, html } = await openConsole(browser, '', person);
  if (url !== `${server.issuer}/account`) {
    throw new Error(`not at the console but at ${url}: ${status} ${html}`);
  }
  return browser;
}

export interface Newcomer {
  readonly email: string;
  readonly accountId: string;
}

/** People whom no other test knows. */
export function newcomers(server: () => Pick<TestServer, 'apply' | 'pool'>) {
  let count = 0;
  return async (roles: readonly string[] = ['user']): Promise<Newcomer> => {
    count += 1;
    const email = `newcomer-${count}@example.com`;
    const account = { email, name: `Newcomer ${count}`, password: DEMO_PASSWORD, email_verified: true, roles };
    await server().apply({ accounts: [account] });
    const { rows } = await server().pool.query('select account_id from accounts where email = $1', [email]);
    return { email, accountId: rows[0].account_id };
  };
}

/** What the audit log says of one kind about an account, the oldest first. */
export async function auditOf(server: Pick<TestServer, 'pool'>, { accountId }: Newcomer, kind: string) {
  const text = 'select details from audit_events where account_id = $1 and kind = $2 order by at';
  const { rows } = await server.pool.query(text, [accountId, kind]);
  return rows.map(({ details }) => details);
}
