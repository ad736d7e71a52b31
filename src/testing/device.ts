/** A device without a keyboard (RFC 8628), and the person who connects it. */
import type { TestServer } from './authorization-server.ts';
import {
  ALICE,
  type Answer,
  createRelyingParty,
  type Parameters,
  postForm,
  type TestClient,
  tokensOf,
} from './relying-party.ts';
import type { UserAgent, Visit } from './user-agent.ts';

export const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

export const TELEVISION = { clientId: 'tv' };

/** In the words of config/demo.yaml. */
export const TELEVISION_REGISTRATION = {
  client_id: TELEVISION.clientId,
  client_name: 'Television',
  token_endpoint_auth_method: 'none',
  grant_types: [DEVICE_GRANT, 'refresh_token'],
  scope: 'openid profile offline_access records:read records:write',
  default_scope: 'openid records:read',
};

/** RFC 8628 §3.2. */
export interface Device {
  readonly device_code: string;
  readonly user_code: string;
  readonly verification_uri: string;
  readonly verification_uri_complete: string;
  readonly expires_in: number;
  readonly interval: number;
}

export type Television = ReturnType<typeof createTelevision>;

export function createTelevision(server: TestServer, client: TestClient = TELEVISION) {
  const rp = createRelyingParty(server.issuer, client);
  const request = (parameters: Parameters = {}): Promise<Answer> =>
    postForm(server.url('/device/auth'), parameters, client);
  const poll = ({ device_code }: Pick<Device, 'device_code'>, node?: string) =>
    rp.requestToken({ grant_type: DEVICE_GRANT, device_code }, node);
  return {
    rp,
    request,
    poll,
    /** Begins to wait. Throws when it may not. */
    async connect(parameters: Parameters = {}): Promise<Device> {
      const { status, text, body } = await request(parameters);
      if (status !== 200) {
        throw new Error(`no code but ${status} ${text}`);
      }
      return body as unknown as Device;
    },
    obtainTokens: async (device: Device) => tokensOf(await poll(device)),
  };
}

/** The hidden fields of a page's forms. */
export function fieldsOf({ html }: Visit): Record<string, string> {
  const fields = html.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g);
  return Object.fromEntries([...fields].map(([, name, value]) => [name, value]));
}

/** What the page says there. */
export const said = ({ html }: Visit, testId: string) =>
  html.match(new RegExp(`data-testid="${testId}"[^>]*>([^<]*)`))?.[1]?.trim();

export async function typeCode(browser: UserAgent, user_code: string): Promise<Visit> {
  const page = await browser.get('/device');
  return browser.post('/device', { xsrf: fieldsOf(page).xsrf ?? '', user_code });
}

export function confirmDevice(browser: UserAgent, page: Visit): Promise<Visit> {
  const { xsrf = '', user_code = '' } = fieldsOf(page);
  return browser.post('/device', { xsrf, user_code, confirm: 'yes' });
}

/** Types the code, confirms the device, signs in where that is asked, and allows what is asked. */
export async function allowDevice(
  browser: UserAgent,
  { user_code }: Pick<Device, 'user_code'>,
  person = ALICE,
): Promise<Visit> {
  let visit = await confirmDevice(browser, await typeCode(browser, user_code));
  if (visit.html.includes('/sign-in"')) {
    visit = await browser.signIn(visit, person);
  }
  return visit.html.includes('/consent"') ? browser.approve(visit) : visit;
}
