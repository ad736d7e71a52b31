import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import type { TokenPolicy } from '../authorization-server/clients/initial-access-tokens.ts';
import { GRANT_TYPES } from '../authorization-server/clients/metadata.ts';
import { hashSecret } from '../authorization-server/clients/secret.ts';
import {
  type ListedToken,
  PostgresInitialAccessTokens,
} from '../authorization-server/storage/initial-access-tokens.ts';
import { loadDatabaseConfig } from '../config/load.ts';
import { createPool } from '../database/connect.ts';
import { OperatorError } from './explain.ts';

const USAGE = `Usage: concierge initial-access-token [--lifetime SECONDS] [--scope "SCOPE ..."] [--grant-types TYPE,...] [--config FILE]
       concierge initial-access-token --list [--config FILE]
       concierge initial-access-token --revoke ID [--config FILE]`;

const A_DAY = 86_400;
const LONGEST = 366 * A_DAY;

/** `concierge initial-access-token`: issues a token that clients are registered with (RFC 7591 §3), lists or revokes them. */
export async function run(argv: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      config: { type: 'string' },
      lifetime: { type: 'string', default: String(A_DAY) },
      scope: { type: 'string' },
      'grant-types': { type: 'string' },
      list: { type: 'boolean', default: false },
      revoke: { type: 'string' },
    },
  });
  const lifetime = lifetimeOf(values.lifetime);
  const policy = policyOf(values);
  const { database } = loadDatabaseConfig({ env: process.env, file: values.config, mode: 'production' });
  const pool = createPool({ url: database.url, max: 1, applicationName: 'concierge initial-access-token' });
  try {
    const tokens = new PostgresInitialAccessTokens(pool);
    if (values.list) {
      console.log(describeTokens(await tokens.list()));
    } else if (values.revoke !== undefined) {
      await revoke(tokens, values.revoke);
    } else {
      await issue(tokens, policy, lifetime);
    }
  } finally {
    await pool.end();
  }
}

/** The token alone goes to the standard output, so that a script can take it from there. It is told this once. */
async function issue(tokens: PostgresInitialAccessTokens, policy: TokenPolicy, lifetime: number): Promise<void> {
  const token = randomBytes(32).toString('base64url');
  const id = randomBytes(4).toString('hex');
  const expiresAt = await tokens.issue({ id, policy, tokenHash: hashSecret(token), lifetime });
  console.error(`Good until ${expiresAt.toISOString()}; to end it: concierge initial-access-token --revoke ${id}`);
  console.log(token);
}

async function revoke(tokens: PostgresInitialAccessTokens, id: string): Promise<void> {
  if (!(await tokens.revoke(id))) {
    throw new OperatorError(`There is no initial access token with the id ${id}; --list shows those that there are.`);
  }
  console.log('revoked; clients that were registered with it go on to work');
}

export function describeTokens(tokens: readonly ListedToken[]): string {
  const lines = tokens.map(({ id, policy, expires_at }) => {
    const { grantTypes = ['as configured'], scopes = ['as configured'] } = policy;
    return `${id}  until ${expires_at.toISOString()}  grant types: ${grantTypes.join(',')}  scopes: ${scopes.join(' ')}`;
  });
  return lines.length === 0 ? 'there is none' : lines.join('\n');
}

function lifetimeOf(text: string): number {
  const lifetime = Number(text);
  if (!/^\d+$/.test(text) || lifetime < 1 || lifetime > LONGEST) {
    throw new OperatorError(`--lifetime is a number of seconds, from 1 to ${LONGEST}.\n${USAGE}`);
  }
  return lifetime;
}

/** What is not said is as configured, also when that changes. */
function policyOf({ scope, 'grant-types': types }: { scope?: string; 'grant-types'?: string }): TokenPolicy {
  const grantTypes = types?.split(',').map((one) => one.trim());
  const unknown = grantTypes?.filter((one) => !(GRANT_TYPES as readonly string[]).includes(one)) ?? [];
  if (unknown.length > 0) {
    throw new OperatorError(`No such grant type: ${unknown.join(', ')}. There is: ${GRANT_TYPES.join(', ')}\n${USAGE}`);
  }
  return {
    ...(grantTypes !== undefined && { grantTypes }),
    ...(scope !== undefined && { scopes: scope.split(' ').filter((one) => one !== '') }),
  };
}
