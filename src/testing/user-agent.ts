/**
 * A person's browser without the browser: keeps cookies, follows redirects and fills in the forms of the pages, for
 * tests that are about the protocol. What the pages look like and whether a real browser agrees is tested in e2e/.
 */

/** Of every account of config/demo.yaml. */
export const DEMO_PASSWORD = 'correct-horse-battery-staple';

export interface Visit {
  readonly status: number;
  readonly headers: Headers;
  /**
   * The address that answered, or the client's address that the browser was sent to. Of a page of a sign-in: what its actions
   * lie below.
   */
  readonly url: string;
  /** The same with the copy of the request that such a page has in its address: what is bookmarked. */
  readonly bookmark: string;
  readonly html: string;
}

interface Person {
  readonly email: string;
  readonly password?: string;
}

const MOST_REDIRECTS = 10;

export class UserAgent {
  readonly #issuer: string;
  /** The node that answers for the issuer; another one stands for a load balancer that changed its mind. */
  node: string;
  /** By cookie path and name: two interactions at once have cookies of one name. */
  readonly cookies = new Map<string, { path: string; pair: string }>();

  constructor(issuer: string) {
    this.#issuer = issuer;
    this.node = issuer;
  }

  /** Another browser with a copy of these cookies: a thief, or the same person a moment ago. */
  clone(): UserAgent {
    const copy = new UserAgent(this.#issuer);
    for (const [key, cookie] of this.cookies) {
      copy.cookies.set(key, { ...cookie });
    }
    return copy;
  }

  get(url: string, headers: Record<string, string> = {}): Promise<Visit> {
    return this.#follow(url, { headers });
  }

  post(url: string, fields: Record<string, string>, headers: Record<string, string> = {}): Promise<Visit> {
    return this.#follow(url, { method: 'POST', body: new URLSearchParams(fields), headers });
  }

  /** Opens the authorization request, signs in and approves whatever is asked, and returns where the client is sent. */
  async authorize(request: string, person: Person = { email: 'alice@example.com' }): Promise<URL> {
    const visit = await this.goThrough(await this.get(request), person);
    if (this.isOurs(visit.url)) {
      throw new Error(`the request did not end at the client but at ${visit.url}: ${visit.status} ${visit.html}`);
    }
    return new URL(visit.url);
  }

  /** Answers every page until the browser is sent to the client, or is about to post a form there. */
  async goThrough(start: Visit, person: Person = { email: 'alice@example.com' }): Promise<Visit> {
    let visit = start;
    for (let step = 0; step < 5 && this.isOurs(formOf(visit)?.action ?? visit.url); step += 1) {
      visit = await this.#answer(visit, person);
    }
    return visit;
  }

  signIn(visit: Visit, { email, password = DEMO_PASSWORD }: Person): Promise<Visit> {
    return this.post(actionOf(visit, 'sign-in'), { email, password });
  }

  /** Allows what the page proposes; `changes` are fields that the person fills in otherwise, `undefined` one that is not ticked. */
  approve(visit: Visit, changes: Readonly<Record<string, string | undefined>> = {}): Promise<Visit> {
    const fields = Object.entries({ ...consentFieldsOf(visit), ...changes });
    const filled = fields.filter((field): field is [string, string] => field[1] !== undefined);
    return this.post(actionOf(visit, 'consent'), Object.fromEntries(filled));
  }

  deny(visit: Visit): Promise<Visit> {
    return this.post(actionOf(visit, 'abort'), {});
  }

  signOut(visit: Visit): Promise<Visit> {
    return this.post(actionOf(visit, 'session/end/confirm'), { ...hiddenFieldsOf(visit), logout: 'yes' });
  }

  isOurs(url: string): boolean {
    return url === this.#issuer || url.startsWith(`${this.#issuer}/`);
  }

  async #answer(visit: Visit, person: Person): Promise<Visit> {
    if (/action="[^"]*\/sign-in"/.test(visit.html)) {
      return this.signIn(visit, person);
    }
    if (/action="[^"]*\/consent"/.test(visit.html)) {
      return this.approve(visit);
    }
    if (/action="[^"]*\/session\/end\/confirm"/.test(visit.html)) {
      return this.signOut(visit);
    }
    const form = formOf(visit);
    if (form !== undefined) {
      return this.post(form.action, form.fields);
    }
    throw new Error(`neither sign-in, consent nor sign-out: ${visit.status} ${visit.html}`);
  }

  /** One request and its answer, whatever that is: a redirect is not followed. */
  async send(url: string, init: RequestInit = {}): Promise<Visit> {
    const target = new URL(url, this.#issuer).href;
    const headers = { accept: 'text/html', ...(init.headers as object), cookie: this.#cookiesFor(target) };
    const address = target.replace(this.#issuer, this.node);
    const response = await fetch(address, { ...init, headers, redirect: 'manual' });
    this.#keepCookies(response, target);
    const { status } = response;
    const step = target.replace(/(\/interaction\/[^?]*)\?request=.*/, '$1');
    return { status, headers: response.headers, url: step, bookmark: target, html: await response.text() };
  }

  async #follow(url: string, init: RequestInit): Promise<Visit> {
    let visit = await this.send(url, init);
    for (let redirects = 0; redirects < MOST_REDIRECTS; redirects += 1) {
      const location = visit.headers.get('location');
      if (location === null) {
        return visit;
      }
      const target = new URL(location, visit.url).href;
      if (!this.isOurs(target)) {
        return { ...visit, url: target, bookmark: target };
      }
      visit = await this.send(target);
    }
    throw new Error(`more than ${MOST_REDIRECTS} redirects, the last to ${visit.url}`);
  }

  #cookiesFor(url: string): string {
    const { pathname } = new URL(url);
    const matching = [...this.cookies.values()].filter(
      ({ path }) => pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`),
    );
    // RFC 6265 §5.4: the longest path first.
    matching.sort((one, other) => other.path.length - one.path.length);
    return matching.map(({ pair }) => pair).join('; ');
  }

  #keepCookies(response: Response, url: string): void {
    for (const line of response.headers.getSetCookie()) {
      const [pair = '', ...attributes] = line.split('; ');
      const { path = new URL(url).pathname, expires } = attributesOf(attributes);
      const key = `${path} ${pair.split('=')[0]}`;
      if (expires !== undefined && Date.parse(expires) <= Date.now()) {
        this.cookies.delete(key);
      } else {
        this.cookies.set(key, { path, pair });
      }
    }
  }
}

/** RFC 6265 §5.2: whatever the case of their names. */
function attributesOf(attributes: readonly string[]): Partial<Record<string, string>> {
  const pairs = attributes.map((one) => one.split('='));
  return Object.fromEntries(pairs.map(([name = '', value = '']) => [name.toLowerCase(), value]));
}

/** Of a page of the engine's that submits itself. */
export function formOf(visit: Visit): { action: string; fields: Record<string, string> } | undefined {
  const action = visit.html.match(/action="([^"]*)"/)?.[1];
  if (action === undefined || !visit.html.includes('document.forms[0].submit()')) {
    return undefined;
  }
  return { action, fields: hiddenFieldsOf(visit) };
}

function hiddenFieldsOf({ html }: Visit): Record<string, string> {
  const fields = html.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g);
  return Object.fromEntries([...fields].map(([, name, value]) => [name, value]));
}

/** What a browser sends of the consent page's form when nothing is changed. */
export function consentFieldsOf({ html }: Visit): Record<string, string> {
  const inputs = [...html.matchAll(/<input type="(checkbox|radio)" name="([^"]*)"(?: value="([^"]*)")?([^>]*)>/g)];
  const sent = inputs.filter(([, , , , rest = '']) => /\bchecked\b/.test(rest) && !/\bdisabled\b/.test(rest));
  return Object.fromEntries(sent.map(([, , name = '', value = 'on']) => [unescaped(name), unescaped(value)]));
}

function unescaped(text: string): string {
  return text
    .replaceAll(/&#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)))
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}

export function actionOf(visit: Visit, action: string): string {
  const found = visit.html.match(new RegExp(`action="([^"]*/${action})"`))?.[1];
  if (found === undefined) {
    throw new Error(`no form for ${action} at ${visit.url}: ${visit.status} ${visit.html}`);
  }
  return found;
}
