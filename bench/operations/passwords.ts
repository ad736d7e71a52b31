import { availableParallelism } from 'node:os';
import { hash, verify } from '@node-rs/argon2';
import { ACCOUNTS, HASHING, PASSWORD, WEB_CLIENTS } from '../directory.ts';
import { expectStatus, pick, postForm } from '../load/requests.ts';
import type { Scenario } from '../load/scenario.ts';
import type { Operation } from './operation.ts';

/** As many as the product hashes at once: passwords.concurrency in config/default.yaml. */
const AT_ONCE = Math.min(availableParallelism(), 3);

/** Enough connections to have the next password there when a hash is done. */
export const passwordGrant: Operation = {
  name: 'password',
  title: 'password grant',
  contenders: ['P', 'hash'],
  connections: 4 * AT_ONCE,
  scenario: (target) => (target.name === 'hash' ? nothingButHashes() : passwordGrants()),
};

function passwordGrants(): Scenario {
  const request = () => {
    const form = { grant_type: 'password', username: pick(ACCOUNTS), password: PASSWORD, scope: 'openid records:read' };
    return postForm('/token', form, pick(WEB_CLIENTS));
  };
  return {
    request,
    async perform(connection) {
      expectStatus(await connection.exchange(request()), 200);
      return true;
    },
  };
}

/** What the machine can do: the same library, parameters and concurrency, and nothing around it. */
function nothingButHashes(): Scenario {
  let passwordHash = '';
  return {
    async prepare() {
      const { memoryKiB, iterations, parallelism } = HASHING;
      passwordHash = await hash(PASSWORD, { memoryCost: memoryKiB, timeCost: iterations, parallelism });
    },
    async perform(_connection, slot) {
      return slot < AT_ONCE && verify(passwordHash, PASSWORD);
    },
  };
}
