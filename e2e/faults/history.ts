import pg from 'pg';
import { placeOf } from '../../src/authorization-server/storage/token-payload.ts';
import { postForm, type TestClient } from '../../src/testing/relying-party.ts';

/** Tokens that end together: those that came of one code, or one alone. */
export interface Family {
  readonly client: TestClient;
  /** `asked`: whoever asked does not know yet, so anything may be true. */
  revocation: 'none' | 'asked' | 'acknowledged';
}

interface Token {
  readonly family: Family;
  /** Milliseconds, as `performance.now()` has them. */
  readonly since: number;
  use: 'none' | 'asked' | 'acknowledged';
}

/** What a node says of a token. */
export interface Sight {
  readonly node: string;
  readonly live: boolean;
  /** What time it is there. */
  readonly date: string | null;
}

/** What a client was told of its tokens: it finds out when a server takes something back. */
export class History {
  /** In words; empty as long as everything told is true. */
  readonly contradictions: string[] = [];
  /** Tokens that it turned out to be otherwise with. */
  readonly #contradicted = new Set<string>();
  readonly #tokens = new Map<string, Token>();
  /** Codes and refresh tokens, and what they were exchanged for. */
  readonly #exchanged = new Map<string, string>();

  get size(): number {
    return this.#tokens.size;
  }

  issued(family: Family, ...tokens: readonly string[]): void {
    for (const token of tokens) {
      this.#tokens.set(token, this.#tokens.get(token) ?? { family, since: performance.now(), use: 'none' });
    }
  }

  familyOf(token: string): Family {
    const known = this.#tokens.get(token);
    if (known === undefined) {
      throw new TypeError('nobody was given this token');
    }
    return known.family;
  }

  /** A refresh token is about to be presented. */
  presents(token: string): void {
    this.#setUse(token, 'asked');
  }

  /** I1: whatever is told in exchange for one code or refresh token is the same. */
  exchanged(presented: string, family: Family, accessToken: string, refreshToken: string): void {
    const told = `${accessToken} ${refreshToken}`;
    if ((this.#exchanged.get(presented) ?? told) !== told) {
      this.contradictions.push('I1: one code or refresh token was exchanged for two sets of tokens');
    }
    this.#exchanged.set(presented, told);
    this.#setUse(presented, 'acknowledged');
    this.issued(family, accessToken, refreshToken);
  }

  /** I2 and I3: `ask` tells whether a node takes the token for a live one, `undefined` when that is not known. */
  async compare(token: string, ask: () => Promise<Sight | undefined>): Promise<void> {
    const expected = this.#isLive(token);
    const sight = await ask();
    // What was asked for meanwhile may have taken effect before or after.
    if (sight !== undefined && expected === this.#isLive(token) && expected === !sight.live) {
      const said = sight.live ? 'I3: a token that had ended is live' : 'I2: a token that was handed out is not live';
      this.#contradicted.add(token);
      const clocks = `where it is ${sight.date}, and here ${new Date().toUTCString()}`;
      this.contradictions.push(`${said}: ${this.#describe(token)}, at ${sight.node}, ${clocks}`);
    }
  }

  /** What the database has of the tokens that a node was wrong about, the first few. */
  async contradictedRows(databaseUrl: string): Promise<unknown[]> {
    const keys = [...this.#contradicted].slice(0, 5).map((token) => placeOf(token).key);
    return query(
      databaseUrl,
      `select tableoid::regclass::text, kind, key, revoked_at, consumed_at, grant_id, payload from tokens
        where key = any ($1)`,
      [keys],
    );
  }

  /** Once more, everything: live tokens at one node or the other, those that have ended at each. */
  async verify(nodes: readonly string[]): Promise<void> {
    const checks = [...this.#tokens].flatMap(([token, { family }], index) => {
      const asked = this.#isLive(token) ? nodes.slice(index % nodes.length).slice(0, 1) : nodes;
      return asked.map((node) => () => this.compare(token, () => introspected(node, token, family.client)));
    });
    const AT_ONCE = 16;
    for (let next = 0; next < checks.length; next += AT_ONCE) {
      await Promise.all(checks.slice(next, next + AT_ONCE).map((check) => check()));
    }
  }

  #setUse(token: string, use: Token['use']): void {
    const known = this.#tokens.get(token);
    if (known !== undefined) {
      known.use = use;
    }
  }

  #describe(token: string): string {
    const { family, since = 0, use } = this.#tokens.get(token) ?? {};
    const age = Math.round(performance.now() - since);
    return `${family?.client.clientId}, ${age} ms old, key ${placeOf(token).key}, use ${use}, revocation ${family?.revocation}`;
  }

  /** `undefined`: it depends on a request whose outcome is not known. */
  #isLive(token: string): boolean | undefined {
    const { family, use } = this.#tokens.get(token) ?? {};
    if (family?.revocation === 'acknowledged' || use === 'acknowledged') {
      return false;
    }
    return family?.revocation === 'asked' || use === 'asked' ? undefined : true;
  }
}

/** I1 for what nobody was told of: grants with two refresh tokens alive, or with more access tokens than redemptions. */
export function doubleGrants(databaseUrl: string): Promise<unknown[]> {
  return query(
    databaseUrl,
    `select grant_id from tokens where revoked_at is null group by grant_id
      having grant_id is not null and (
        count(*) filter (where kind = 'RefreshToken' and consumed_at is null) > 1 or
        count(*) filter (where kind = 'AccessToken') > count(consumed_at))`,
  );
}

/** Of a server that answers: anything else than an answer about the token is an error. */
async function introspected(node: string, token: string, client: TestClient): Promise<Sight> {
  const { status, text, body, headers } = await postForm(`${node}/token/introspection`, { token }, client);
  if (status !== 200) {
    throw new Error(`a token cannot be verified: ${status} ${text}`);
  }
  return { node, live: body.active === true, date: headers.get('date') };
}

async function query(databaseUrl: string, text: string, values: unknown[] = []): Promise<unknown[]> {
  const client = new pg.Client(databaseUrl);
  await client.connect();
  const { rows } = await client.query(text, values);
  await client.end();
  return rows;
}
