/**
 * Passwords at rest: Argon2id (RFC 9106), a salt of its own for each.
 *
 * A password is normalised to NFKC before it is hashed (NIST SP 800-63B-4 §3.1.1.2 offers NFKC and NFKD): the same keys pressed on
 * another system may arrive as other code points. Nothing is ever cut off; what is too long is refused before it costs anything.
 * Which passwords may be chosen is said in password-policy.ts.
 */
import { randomBytes } from 'node:crypto';
import { hash, parseOptions, verify } from '@node-rs/argon2';
import { Turns } from './turns.ts';

export interface PasswordSettings {
  readonly memoryKiB: number;
  readonly iterations: number;
  readonly parallelism: number;
  /** How many hashes are computed at once. Each holds `memoryKiB` and a thread of libuv's pool. */
  readonly concurrency: number;
  /** How many may wait for that; beyond it sign-in answers 503. */
  readonly queue: number;
  /** Bytes of UTF-8; a longer password is refused before it is hashed. */
  readonly maxLength: number;
}

export interface PasswordHasher {
  /** A PHC string with its parameters and its salt. */
  hashPassword(password: string): Promise<string>;
  /** False, after the same work, without a hash: an unknown account must not answer sooner than a known one. */
  verifyPassword(passwordHash: string | undefined, password: string): Promise<boolean>;
  /** Whether the hash is weaker than what is configured now. */
  needsRehash(passwordHash: string): boolean;
}

export interface Passwords {
  /** Whether anybody can have this password. Asked before hashing; the answer depends on no account. */
  mayBePassword(password: unknown): password is string;
  /**
   * The only way to a hasher: waits for a turn, so that a flood of passwords cannot take all processors.
   * Throws `TooBusy`, without having started the work, when too many wait already.
   */
  inTurn<T>(work: (hasher: PasswordHasher) => Promise<T>): Promise<T>;
}

/** Hashes run on libuv's thread pool, off the event loop. */
export async function createPasswords(settings: PasswordSettings): Promise<Passwords> {
  const turns = new Turns(settings);
  const hasher = await createHasher(settings);
  const { maxLength } = settings;
  return {
    mayBePassword: (password): password is string =>
      typeof password === 'string' && password !== '' && Buffer.byteLength(password) <= maxLength,
    inTurn: (work) => turns.take(() => work(hasher)),
  };
}

async function createHasher({ memoryKiB, iterations, parallelism }: PasswordSettings): Promise<PasswordHasher> {
  const options = { memoryCost: memoryKiB, timeCost: iterations, parallelism };
  const nobodysHash = await hash(randomBytes(32), options);
  return {
    hashPassword: (password) => hash(bytesOf(password), options),
    async verifyPassword(passwordHash, password) {
      const matches = await verify(passwordHash ?? nobodysHash, bytesOf(password));
      return matches && passwordHash !== undefined;
    },
    needsRehash(passwordHash) {
      const used = parseOptions(passwordHash);
      return (
        !passwordHash.startsWith('$argon2id$') ||
        used.memoryCost < memoryKiB ||
        used.timeCost < iterations ||
        used.parallelism < parallelism
      );
    },
  };
}

// As bytes: a NUL is a byte like any other, for every layer below.
function bytesOf(password: string): Buffer {
  return Buffer.from(password.normalize('NFKC'));
}
