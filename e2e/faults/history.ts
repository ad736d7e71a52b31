import pg from 'pg';
import { introspect, type TestClient } from '../../src/testing/relying-party.ts';

/** Tokens that end together: those that came of one code, or one alone. */
export interface Family {
  readonly client: TestClient;
  /** `asked`: whoever asked does not know yet, so anything may be true. */
  revocation: 'none' | 'asked' | 'acknowledged';
}

interface Token {
  readonly family: Family;
  use: 'none' | 'asked' | 'acknowledged';
}

/** What a client was told of its tokens: it finds out when a server takes something back. */
export class History {
  /** In words; empty as long as everything told is true. */
  readonly contradictions: string[] = [];
  readonly #tokens = new Map<string, Token>();
  /** Codes and refresh tokens, and what they were exchanged for. */
  readonly #exchanged = new Map<string, string>();

  get size(): number {
    return this.#tokens.size;
  }

  issued(family: Family, ...tokens: readonly string[]): void {
    for (const token of tokens) {
      this.#tokens.set(token, this.#tokens.get(token) ?? { family, use: 'none' });
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

  /** I2 and I3: `ask` tells whether a node takes the token for a live one. Says nothing when that is not known. */
  async compare(token: string, ask: () => Promise<boolean | undefined>): Promise<void> {
    const expected = this.#isLive(token);
    const live = await ask();
    // What was asked for meanwhile may have taken effect before or after.
    if (live !== undefined && expected === this.#isLive(token) && expected === !live) {
      this.contradictions.push(
        live ? 'I3: a token that had ended is live' : 'I2: a token that was handed out is not live',
      );
    }
  }

  /** Once more, everything: live tokens at one node or the other, those that have ended at each. */
  async verify(nodes: readonly string[]): Promise<void> {
    const checks = [...this.#tokens].flatMap(([token, { family }], index) => {
      const asked = this.#isLive(token) ? nodes.slice(index % nodes.length).slice(0, 1) : nodes;
      const isActive = async (node: string) => (await introspect(node, token, family.client)).active === true;
      return asked.map((node) => () => this.compare(token, () => isActive(node)));
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
export async function doubleGrants(databaseUrl: string): Promise<unknown[]> {
  const client = new pg.Client(databaseUrl);
  await client.connect();
  const { rows } = await client.query(`
    select grant_id from tokens where revoked_at is null group by grant_id
    having grant_id is not null and (
      count(*) filter (where kind = 'RefreshToken' and consumed_at is null) > 1 or
      count(*) filter (where kind = 'AccessToken') > count(consumed_at))`);
  await client.end();
  return rows;
}
