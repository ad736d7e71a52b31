import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import { createRelyingParty, DEMO_WEB } from '../../testing/relying-party.ts';
import { createPersonWithApp, fieldsOf, type TestPerson, typeCode } from '../../testing/second-factors.ts';
import { actionOf, UserAgent, type Visit } from '../../testing/user-agent.ts';

let upstream: TestServer;
let server: TestServer;
beforeAll(async () => {
  upstream = await startTestServer();
  const clientSecret = 'a-secret-of-concierge-at-the-other-provider';
  const provider = {
    id: 'other',
    name: 'The Other',
    issuer: upstream.issuer,
    clientId: 'concierge',
    clientSecret,
    clientSecretVariable: null,
    scopes: ['openid', 'profile', 'email'],
    claims: { email: 'email', emailVerified: 'email_verified', name: 'name' },
    createsAccounts: false,
  };
  server = await startTestServer({
    config: (config) => ({
      ...config,
      secondFactor: { policy: 'optional', requiredForRoles: ['admin'] },
      upstreamProviders: [provider],
    }),
  });
  await upstream.apply({
    clients: [
      {
        client_id: 'concierge',
        client_secret: clientSecret,
        grant_types: ['authorization_code'],
        response_types: ['code'],
        redirect_uris: [`${server.issuer}/sign-in-with/other/callback`],
        scope: 'openid profile email',
      },
    ],
  });
});
afterAll(() => Promise.all([server?.stop(), upstream?.stop()]));

const request = () => createRelyingParty(server.issuer, DEMO_WEB).authorizationUrl({ scope: 'openid' });
const isSecondStep = ({ html }: Visit) => html.includes('data-testid="second-step-form"');

/** The same person at both servers, whose accounts are connected. */
async function connectedPerson() {
  const { person, app } = await createPersonWithApp(server, request(), ['admin']);
  const { email, password } = person;
  await upstream.apply({ accounts: [{ email, name: 'Pat', password, email_verified: true, roles: [] }] });
  await server.pool.query(
    `insert into account_identities (provider, subject, account_id, email)
     select 'other', $2, account_id, email from accounts where email = $1`,
    [
      email,
      (await upstream.pool.query('select account_id from accounts where email = $1', [email])).rows[0].account_id,
    ],
  );
  return { person, app };
}

async function signInWithOther(here: UserAgent, { email, password }: TestPerson): Promise<Visit> {
  const there = new UserAgent(upstream.issuer);
  const page = await here.get(request());
  const { url } = await here.post(actionOf(page, 'sign-in-with/other'), {});
  return here.get((await there.authorize(url, { email, password })).href);
}

it('two ways to begin a sign-in are no second step, one after the other', async () => {
  const { person, app } = await connectedPerson();
  const here = new UserAgent(server.issuer);
  const step = await signInWithOther(here, person);
  expect(isSecondStep(step)).toBe(true);
  const action = actionOf(step, 'second-step').replace('/second-step', '/sign-in');
  const again = await here.post(action, { ...fieldsOf(step), ...person });
  expect(isSecondStep(again)).toBe(true);
  expect((await typeCode(here, again, app.code())).html).toContain('data-testid="consent-form"');
});
