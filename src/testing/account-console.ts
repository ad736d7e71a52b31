import { UserAgent, type Visit } from './user-agent.ts';

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
