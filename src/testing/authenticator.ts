/**
 * An authenticator in software (WebAuthn Level 3 §6), for tests that are about the server; that a browser and its pages agree is
 * tested in e2e/. It does as it is told, also what no real one does.
 */
import { createHash, createSign, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';

const USER_PRESENT = 0x01;
const USER_VERIFIED = 0x04;
const BACKUP_ELIGIBLE = 0x08;
const BACKED_UP = 0x10;
const HAS_CREDENTIAL = 0x40;

export interface AuthenticatorBehaviour {
  readonly origin?: string;
  readonly verifiesUser?: boolean;
  /** 0 for one that does not count. */
  readonly counter?: number;
}

interface RequestOptions {
  readonly challenge: string;
  readonly rpId: string;
}

interface CreationOptions {
  readonly challenge: string;
  readonly rp: { readonly id: string };
  readonly user: { readonly id: string };
}

export class SoftwareAuthenticator {
  readonly #origin: string;
  readonly #isSynced: boolean;
  readonly #privateKey: KeyObject;
  readonly #publicKey: Buffer;
  readonly id = randomBytes(16);
  #userHandle = '';

  constructor(origin: string, { synced = false }: { synced?: boolean } = {}) {
    this.#origin = origin;
    this.#isSynced = synced;
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#privateKey = privateKey;
    this.#publicKey = coseKey(publicKey);
  }

  /** What the page's script sends for `navigator.credentials.create`. */
  create({ challenge, rp, user }: CreationOptions, behaviour: AuthenticatorBehaviour = {}): string {
    this.#userHandle = user.id;
    const length = Buffer.alloc(2);
    length.writeUInt16BE(this.id.length);
    const credential = Buffer.concat([Buffer.alloc(16), length, this.id, this.#publicKey]);
    const authData = Buffer.concat([this.#head(rp.id, behaviour, HAS_CREDENTIAL), credential]);
    return this.#credential({
      clientDataJSON: this.#clientData('webauthn.create', challenge, behaviour),
      attestationObject: Buffer.concat([
        Buffer.from([0xa3]),
        text('fmt'),
        text('none'),
        text('attStmt'),
        Buffer.from([0xa0]),
        text('authData'),
        bytes(authData),
      ]),
    });
  }

  /** What it sends for `navigator.credentials.get`. */
  get({ challenge, rpId }: RequestOptions, behaviour: AuthenticatorBehaviour = {}): string {
    const clientDataJSON = this.#clientData('webauthn.get', challenge, behaviour);
    const authenticatorData = this.#head(rpId, behaviour, 0);
    const signed = Buffer.concat([authenticatorData, createHash('sha256').update(clientDataJSON).digest()]);
    const signature = createSign('sha256').update(signed).sign(this.#privateKey);
    const userHandle = Buffer.from(this.#userHandle, 'base64url');
    return this.#credential({ clientDataJSON, authenticatorData, signature, userHandle });
  }

  #credential(response: Readonly<Record<string, Buffer>>): string {
    const id = this.id.toString('base64url');
    const entries = Object.entries(response).map(([name, value]) => [name, value.toString('base64url')]);
    return JSON.stringify({ id, rawId: id, type: 'public-key', response: Object.fromEntries(entries) });
  }

  #clientData(type: string, challenge: string, { origin = this.#origin }: AuthenticatorBehaviour): Buffer {
    return Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin: false }));
  }

  #head(rpId: string, { verifiesUser = true, counter = 0 }: AuthenticatorBehaviour, flags: number): Buffer {
    const synced = this.#isSynced ? BACKUP_ELIGIBLE | BACKED_UP : 0;
    const count = Buffer.alloc(4);
    count.writeUInt32BE(counter);
    const all = flags | USER_PRESENT | synced | (verifiesUser ? USER_VERIFIED : 0);
    return Buffer.concat([createHash('sha256').update(rpId).digest(), Buffer.from([all]), count]);
  }
}

/** CBOR (RFC 8949), as little of it as there is in here. */
function text(value: string): Buffer {
  return Buffer.concat([Buffer.from([0x60 + value.length]), Buffer.from(value)]);
}

function bytes(value: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0x58, value.length]), value]);
}

/** ES256: `{1: 2, 3: -7, -1: 1, -2: x, -3: y}` (RFC 9053). */
function coseKey(publicKey: KeyObject): Buffer {
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
  return Buffer.concat([
    Buffer.from([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21]),
    bytes(Buffer.from(x, 'base64url')),
    Buffer.from([0x22]),
    bytes(Buffer.from(y, 'base64url')),
  ]);
}
