import { decodeJwt } from 'jose';
import { visitorOf } from '../account-console.ts';
import { SoftwareAuthenticator } from '../authenticator.ts';
import { createPkce, tokensOf } from '../relying-party.ts';
import { createPerson, fieldsOf, setUpApp, type TestPerson } from '../second-factors.ts';
import { actionOf, UserAgent, type Visit } from '../user-agent.ts';
import type { ListExercise } from './exercise.ts';
import { createParty, parametersOf, REDIRECT_URI, type World } from './party.ts';

/** Insisted on by a client, somebody can have it, and the ID token says so. */
export const acrValues: ListExercise = {
  others: ['nonsense'],
  async works(world, value) {
    const party = await createParty(world, { grant_types: ['authorization_code'], response_types: ['code'] });
    const person = await createPerson(world.server);
    const passkey = value === 'phr' ? await addPasskey(world, person) : undefined;
    const pkce = createPkce();
    const claims = JSON.stringify({ id_token: { acr: { essential: true, value } } });
    const request = await party.request({ claims }, pkce);
    const browser = new UserAgent(world.server.issuer);
    const page = typeof request === 'string' ? await browser.get(request) : undefined;
    if (page === undefined || !browser.isOurs(page.url)) {
      return false;
    }
    const visit = await browser.goThrough(await signIn(browser, page, person, passkey), person);
    const { code = '' } = parametersOf(visit);
    const grant = { grant_type: 'authorization_code', code, redirect_uri: REDIRECT_URI, code_verifier: pkce.verifier };
    return decodeJwt(tokensOf(await party.token(grant)).id_token).acr === value;
  },
};

async function signIn(browser: UserAgent, page: Visit, person: TestPerson, passkey: SoftwareAuthenticator | undefined) {
  if (passkey !== undefined) {
    return browser.post(actionOf(page, 'passkey'), { credential: passkey.get(optionsOn(page)) });
  }
  const next = await browser.signIn(page, person);
  if (!next.html.includes('data-testid="set-up-form"')) {
    return next;
  }
  const { codesPage } = await setUpApp(browser, next);
  return browser.post(actionOf(codesPage, 'set-up/done'), fieldsOf(codesPage));
}

async function addPasskey({ server }: World, person: TestPerson): Promise<SoftwareAuthenticator> {
  const visitor = await visitorOf(server, person);
  const passkey = new SoftwareAuthenticator(new URL(server.issuer).origin);
  const options = optionsOn(await visitor.get('/account/passkeys'));
  await visitor.post('/account/passkeys/add', { credential: passkey.create(options) });
  return passkey;
}

/** What the page gives its script. */
function optionsOn({ html }: Visit) {
  const [, escaped = ''] = /data-passkey="[a-z]+" data-options="([^"]*)"/.exec(html) ?? [];
  return JSON.parse(escaped.replaceAll('&#34;', '"'));
}
