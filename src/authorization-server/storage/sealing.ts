import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';

/**
 * Everything derived from `CONCIERGE_SECRET`. The first secret seals and signs, all of them open and verify, so that
 * a secret is replaced by putting a new one in front (design: rotation without a flag day).
 */
export interface Sealing {
  /**
   * AES-256-GCM. `purpose` is part of the key: what was sealed for one purpose opens for no other. So is `holder`, of which
   * there may be any number: an id that only who presents it has. There are few purposes, and their keys are kept.
   */
  seal(purpose: string, plaintext: string, holder?: string): string;
  /** `undefined` when no secret opens it. */
  open(purpose: string, sealed: string, holder?: string): string | undefined;
  /** Does the first secret not open it? What lives for long is sealed anew then, or that secret could never be retired. */
  isOutdated(purpose: string, sealed: string): boolean;
  /** HMAC-SHA-256 under each secret, first one first: write the first, look up by any. */
  macs(purpose: string, text: string): readonly string[];
  /** 256-bit keys, one for each secret, base64url: for the engine's signed cookies. */
  keys(purpose: string): readonly string[];
}

const IV_BYTES = 12;
const TAG_BYTES = 16;

export function createSealing(secrets: readonly string[]): Sealing {
  const keyrings = secrets.map(createKeyring);
  const first = keyrings[0];
  if (first === undefined) {
    throw new TypeError('at least one secret is needed');
  }
  return {
    seal(purpose, plaintext, holder) {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv('aes-256-gcm', keyFor(first, purpose, holder), iv);
      const sealed = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()]);
      return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64url');
    },
    open(purpose, sealed, holder) {
      for (const keyring of keyrings) {
        const plaintext = decrypt(keyFor(keyring, purpose, holder), sealed);
        if (plaintext !== undefined) {
          return plaintext;
        }
      }
      return undefined;
    },
    isOutdated: (purpose, sealed) => decrypt(first(purpose), sealed) === undefined,
    macs: (purpose, text) =>
      keyrings.map((keyring) => createHmac('sha256', keyring(purpose)).update(text).digest('base64url')),
    keys: (purpose) => keyrings.map((keyring) => keyring(purpose).export().toString('base64url')),
  };
}

/**
 * One secret's keys, by purpose: derived once (RFC 5869), because that takes longer than using them. Node 24 takes five
 * times as long for an operation whose key comes as bytes.
 */
type Keyring = (purpose: string) => KeyObject;

function createKeyring(secret: string): Keyring {
  const keys = new Map<string, KeyObject>();
  return (purpose) => {
    const key =
      keys.get(purpose) ?? createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', `concierge ${purpose}`, 32)));
    keys.set(purpose, key);
    return key;
  };
}

function keyFor(keyring: Keyring, purpose: string, holder: string | undefined): KeyObject {
  const key = keyring(purpose);
  return holder === undefined ? key : createSecretKey(createHmac('sha256', key).update(holder).digest());
}

function decrypt(key: KeyObject, sealed: string): string | undefined {
  const bytes = Buffer.from(sealed, 'base64url');
  if (bytes.length < IV_BYTES + TAG_BYTES) {
    return undefined;
  }
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV_BYTES));
  decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
  try {
    return decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
  } catch {
    return undefined;
  }
}
