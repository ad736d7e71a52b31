import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Answer,
  type Authorization,
  createRelyingParty,
  DEMO_MACHINE,
  DEMO_WEB,
  postForm,
  type RelyingParty,
  revoke,
  send,
  type TestClient,
} from '../../src/testing/relying-party.ts';
import type { Nodes } from '../servers/nodes.ts';
import { expect } from '../test.ts';
import { Answers } from './answers.ts';
import { doubleGrants, type Family, History } from './history.ts';

const MACHINES = 2;
const PEOPLE = 3;
const CODES = 12;
/** Of one refresh token after another, before a person signs out. */
const REFRESHES = 12;
/** Times that a request is sent until it is answered. */
const MOST_ATTEMPTS = 400;
const PAUSE_MS = 25;

export interface LoadOptions {
  /** More than one address of the server. */
  readonly addresses: readonly string[];
  readonly mayBeLost?: boolean;
}

/** Signs in, several times, and lets clients work over several nodes until they are told to stop. */
export async function startLoad(nodes: Nodes, { addresses, mayBeLost = false }: LoadOptions): Promise<Load> {
  const web = createRelyingParty(nodes.issuer, DEMO_WEB);
  const codes: Authorization[] = [];
  while (codes.length < CODES) {
    codes.push(await web.authorize({ scope: 'openid profile' })); // Each has a session, and a grant, of its own.
  }
  return new Load(nodes, addresses, codes, new Answers({ mayBeLost }));
}

interface Tokens {
  readonly accessToken: string;
  readonly refreshToken: string;
}

/**
 * Machines that issue and revoke, people's apps that exchange codes, refresh (mostly twice at once), ask for userinfo and
 * revoke, and resource servers that ask about tokens. Who gets no answer or a 503 asks again, at whichever node, until
 * there is an answer; so in the end everybody knows what they have.
 */
export class Load {
  readonly answers: Answers;
  readonly #nodes: Nodes;
  readonly #addresses: readonly string[];
  readonly #web: RelyingParty;
  readonly #machine: RelyingParty;
  readonly #codes: Authorization[];
  readonly #history = new History();
  readonly #work: Promise<unknown>;
  #running = true;
  #asked = 0;

  constructor(nodes: Nodes, addresses: readonly string[], codes: Authorization[], answers: Answers) {
    this.#nodes = nodes;
    this.#addresses = addresses;
    this.#codes = codes;
    this.answers = answers;
    this.#web = createRelyingParty(nodes.issuer, DEMO_WEB);
    this.#machine = createRelyingParty(nodes.issuer, DEMO_MACHINE);
    this.#work = Promise.all([
      ...Array.from({ length: MACHINES }, () => this.#workAsMachine()),
      ...Array.from({ length: PEOPLE }, () => this.#workAsApp()),
    ]);
    this.#work.catch(() => {}); // `stop` tells.
  }

  /** Resolves once every node has refused so many requests with a 503, from now on. */
  async isRefused(times = 1): Promise<void> {
    await this.#everyNode((node) => this.answers.refusedBy(node), times);
  }

  /** Resolves once every node has issued so many tokens, from now on; with the milliseconds that took. */
  async isServed(times = 1): Promise<number> {
    const begun = performance.now();
    await this.#everyNode((node) => this.answers.issuedBy(node), times);
    return Math.round(performance.now() - begun);
  }

  /** Lets everyone find out what became of their last request, and holds the servers to everything they have said. */
  async stop(): Promise<void> {
    this.#running = false;
    await this.#work;
    const databaseUrl = this.#nodes.database.urls.DATABASE_URL;
    await this.#history.verify(this.#addresses);
    expect(this.answers.faults).toEqual([]);
    const { contradictions } = this.#history;
    if (contradictions.length > 0) {
      console.log(await this.#history.contradictedRows(databaseUrl), this.#nodes.complaints().slice(-50).join('\n'));
    }
    expect(contradictions).toEqual([]);
    expect(await doubleGrants(databaseUrl)).toEqual([]);
  }

  toString(): string {
    return `${this.answers}; ${this.#history.size} tokens checked`;
  }

  async #everyNode(count: (node: string) => number, times: number): Promise<void> {
    const goals = this.#addresses.map((node) => count(node) + times);
    const reached = () => this.#addresses.every((node, index) => count(node) >= (goals[index] ?? 0));
    await expect.poll(reached, { timeout: 30_000, intervals: [10] }).toBe(true);
  }

  /** At any moment there are tokens being issued and one being revoked. */
  async #workAsMachine(): Promise<void> {
    let superfluous = await this.#issue();
    while (this.#running) {
      [superfluous] = await Promise.all([this.#issue(), this.#issue(), this.#giveBack(superfluous)]);
    }
  }

  async #issue(): Promise<string> {
    const grant = { grant_type: 'client_credentials' };
    const { body } = await this.#untilGranted((node) => this.#machine.requestToken(grant, node));
    const token = String(body.access_token);
    this.#history.issued({ client: DEMO_MACHINE, revocation: 'none' }, token);
    await this.#introspect(token, DEMO_MACHINE);
    return token;
  }

  async #giveBack(token: string): Promise<void> {
    await this.#revoke(token);
    await this.#introspect(token, DEMO_MACHINE);
  }

  async #workAsApp(): Promise<void> {
    for (let code = this.#codes.pop(); code !== undefined && this.#running; code = this.#codes.pop()) {
      const family: Family = { client: DEMO_WEB, revocation: 'none' };
      let tokens = await this.#exchange(family, code);
      // The last ones go on to the end.
      for (let use = 0; tokens && this.#running && (use < REFRESHES || this.#codes.length === 0); use += 1) {
        tokens = await this.#refresh(family, tokens.refreshToken, use % 3 === 0 ? 1 : 2);
        await this.#useAccessToken(tokens.accessToken);
      }
      if (tokens && this.#codes.length > 0) {
        await this.#revoke(tokens.refreshToken);
        await this.#useAccessToken(tokens.accessToken);
      }
    }
  }

  /** `undefined` for a code that was used up without an answer: nobody was told of its tokens, and they have ended. */
  async #exchange(family: Family, code: Authorization): Promise<Tokens | undefined> {
    let attempts = 0;
    const answer = await this.#untilAnswered((node) => {
      attempts += 1;
      return this.#web.exchange(code, {}, node);
    });
    if (answer.status === 200) {
      return this.#note(family, code.code, answer);
    }
    if (attempts === 1) {
      this.#history.contradictions.push(`a code that was never used: ${answer.status} ${answer.text}`);
    }
    return undefined;
  }

  /** At so many nodes at once, until one of them answers. */
  async #refresh(family: Family, refreshToken: string, times: number): Promise<Tokens> {
    this.#history.presents(refreshToken);
    const refresh = () => this.#untilGranted((node) => this.#web.refresh(refreshToken, {}, node));
    const answers = await Promise.all(Array.from({ length: times }, refresh));
    const [first] = answers.map((answer) => this.#note(family, refreshToken, answer));
    return first as Tokens;
  }

  #note(family: Family, presented: string, { body }: Answer): Tokens {
    const tokens = { accessToken: String(body.access_token), refreshToken: String(body.refresh_token) };
    this.#history.exchanged(presented, family, tokens.accessToken, tokens.refreshToken);
    return tokens;
  }

  async #revoke(token: string): Promise<void> {
    const family = this.#history.familyOf(token);
    family.revocation = 'asked';
    await this.#untilGranted((node) => revoke(node, token, family.client));
    family.revocation = 'acknowledged';
  }

  async #useAccessToken(token: string): Promise<void> {
    await this.#introspect(token, DEMO_WEB);
    await this.#history.compare(token, async () => {
      const headers = { authorization: `Bearer ${token}` };
      return this.#look(
        (node) => send(`${node}/me`, { headers }),
        ({ status }) => status === 200,
      );
    });
  }

  #introspect(token: string, client: TestClient): Promise<void> {
    return this.#history.compare(token, () =>
      this.#look(
        (node) => postForm(`${node}/token/introspection`, { token }, client),
        ({ body }) => body.active === true,
      ),
    );
  }

  async #look(request: (node: string) => Promise<Answer>, isLive: (answer: Answer) => boolean) {
    let asked = '';
    const answer = await this.#ask((node) => {
      asked = node;
      return request(node);
    });
    return answer && { node: asked, live: isLive(answer), date: answer.headers.get('date') };
  }

  /** For what every client here is entitled to. */
  async #untilGranted(request: (node: string) => Promise<Answer>): Promise<Answer> {
    const answer = await this.#untilAnswered(request);
    if (answer.status !== 200) {
      throw new Error(`a request that has to be granted: ${answer.status} ${answer.text}`);
    }
    return answer;
  }

  async #untilAnswered(request: (node: string) => Promise<Answer>): Promise<Answer> {
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
      const answer = await this.#ask(request);
      if (answer !== undefined) {
        return answer;
      }
      await sleep(PAUSE_MS);
    }
    throw new Error('no node answers');
  }

  /** One node after the other. */
  #ask(request: (node: string) => Promise<Answer>): Promise<Answer | undefined> {
    this.#asked += 1;
    const node = this.#addresses[this.#asked % this.#addresses.length] ?? '';
    return this.answers.ask(node, request);
  }
}
