import { ACCOUNTS, type BenchClient, JOURNEY_SCOPE, WEB_CLIENTS } from '../directory.ts';
import { Browser, exchangeCode, type TokenSet } from './browser.ts';
import { Connection } from './connection.ts';
import { expectStatus, jsonOf, postForm } from './requests.ts';
import type { Target } from './scenario.ts';

/** A person with a browser who has signed in and allowed a client to act. */
export interface Person {
  readonly browser: Browser;
  readonly client: BenchClient;
}

/** What lives at a server before anything is measured: sessions, grants, and tokens by the thousand. */
export interface Population {
  readonly people: readonly Person[];
  /** One for each person: the client holds the newest refresh token. */
  readonly chains: readonly RefreshChain[];
  /** Of all grants, none of which needs a session. */
  readonly accessTokens: readonly string[];
}

export interface RefreshChain {
  readonly client: BenchClient;
  refreshToken: string;
}

const PEOPLE = 96;
const ROTATIONS = 20;
const AT_ONCE = 12;

export async function populate({ port }: Target): Promise<Population> {
  const population = { people: [] as Person[], chains: [] as RefreshChain[], accessTokens: [] as string[] };
  const numbers = Array.from({ length: PEOPLE }, (_, number) => number);
  await inParallel(port, numbers, async (connection, number) => {
    const person = personOf(number);
    const request = { client: person.client, scope: JOURNEY_SCOPE, prompt: 'consent' };
    const tokens = await exchangeCode(connection, person.client, await person.browser.authorize(connection, request));
    const chain = { client: person.client, refreshToken: tokens.refresh_token };
    population.people.push(person);
    population.chains.push(chain);
    population.accessTokens.push(tokens.access_token);
    for (let rotation = 0; rotation < ROTATIONS; rotation += 1) {
      population.accessTokens.push((await refresh(connection, chain)).access_token);
    }
  });
  return population;
}

export async function refresh(connection: Connection, chain: RefreshChain): Promise<TokenSet> {
  const form = { grant_type: 'refresh_token', refresh_token: chain.refreshToken };
  const answer = await connection.exchange(postForm('/token', form, chain.client));
  const tokens = jsonOf<TokenSet>(expectStatus(answer, 200));
  chain.refreshToken = tokens.refresh_token;
  return tokens;
}

/** Over a dozen connections; each takes the next item when it is done with the last. */
export async function inParallel<Item>(
  port: number,
  items: Iterable<Item>,
  work: (connection: Connection, item: Item) => Promise<void>,
): Promise<void> {
  const queue = items[Symbol.iterator]();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      const connection = new Connection(port);
      for (let next = queue.next(); !next.done; next = queue.next()) {
        await work(connection, next.value);
      }
      connection.close();
    }),
  );
}

function personOf(number: number): Person {
  const email = ACCOUNTS[number % ACCOUNTS.length] as string;
  const client = WEB_CLIENTS[number % WEB_CLIENTS.length] as BenchClient;
  return { browser: new Browser(email, { light: true }), client };
}
