/** A client that asks a person who is elsewhere (CIBA), and the person who answers. */
import type { TestServer } from './authorization-server.ts';
import { ALICE, type Answer, createRelyingParty, type Parameters, postForm, type TestClient } from './relying-party.ts';
import { DEMO_PASSWORD, type UserAgent, type Visit } from './user-agent.ts';

export const CIBA_GRANT = 'urn:openid:params:grant-type:ciba';

export const BANK = { clientId: 'bank', secret: 'a-secret-of-the-bank-that-is-long' };

/** In the words of config/demo.yaml. */
export const BANK_REGISTRATION = {
  client_id: BANK.clientId,
  client_secret: BANK.secret,
  client_name: 'Bank',
  grant_types: [CIBA_GRANT, 'refresh_token'],
  backchannel_token_delivery_mode: 'poll',
  scope: 'openid profile offline_access records:read records:write',
};

export type Bank = ReturnType<typeof createBank>;

export function createBank(server: TestServer, client: TestClient = BANK) {
  const rp = createRelyingParty(server.issuer, client);
  const request = (parameters: Parameters = {}): Promise<Answer> => {
    const defaults = { scope: 'openid records:read', login_hint: ALICE.email };
    return postForm(server.url('/backchannel'), { ...defaults, ...parameters }, client);
  };
  return {
    rp,
    request,
    /** Throws when it may not. */
    async ask(parameters: Parameters = {}): Promise<string> {
      const { status, text, body } = await request(parameters);
      if (status !== 200) {
        throw new Error(`no auth_req_id but ${status} ${text}`);
      }
      return String(body.auth_req_id);
    },
    poll: (auth_req_id: string) => rp.requestToken({ grant_type: CIBA_GRANT, auth_req_id }),
  };
}

/** The secret of the form at which somebody signs in there; empty where nobody is asked to. */
export const secretOf = ({ html }: Pick<Visit, 'html'>) => html.match(/name="request" value="([^"]*)"/)?.[1] ?? '';

/** Signs in where that is asked, and shows what waits. */
export async function openRequests(browser: UserAgent, person = ALICE): Promise<Visit> {
  const page = await browser.get('/requests');
  const request = secretOf(page);
  const credentials = { email: person.email, password: DEMO_PASSWORD };
  return request === '' ? page : browser.post('/requests/sign-in', { ...credentials, request });
}

/** Where the forms of the page go that allow or deny, the newest request first. */
export const actionsOf = ({ html }: Visit, answer: 'allow' | 'deny') =>
  [...html.matchAll(new RegExp(`action="([^"]*/requests/[^"]*/${answer})"`, 'g'))].map(([, action]) => String(action));

/** Answers the newest request. */
export async function answerRequest(browser: UserAgent, answer: 'allow' | 'deny', person = ALICE): Promise<Visit> {
  const [action = '/nothing-waits'] = actionsOf(await openRequests(browser, person), answer);
  return browser.post(action, {});
}

/** What the page says there, each time. */
export const saidAt = ({ html }: Visit, testId: string) =>
  [...html.matchAll(new RegExp(`data-testid="${testId}"[^>]*>([^<]*)`, 'g'))].map(([, text]) => text?.trim());
