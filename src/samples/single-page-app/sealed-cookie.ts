import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import type { Context } from 'koa';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export interface SealedCookieOptions {
  readonly name: `__Host-${string}`;
  /** 32 random characters at least. */
  readonly secret: string;
  readonly sameSite: 'strict' | 'lax';
}

/**
 * A cookie that only this server can read or write: AES-256-GCM. Scripts do not get at it (HttpOnly), it does not travel
 * over plain HTTP (Secure), and no subdomain can plant one in its place (`__Host-`). It ends with the browser.
 */
export class SealedCookie {
  readonly #options: SealedCookieOptions;
  readonly #key: Uint8Array;

  constructor(options: SealedCookieOptions) {
    this.#options = options;
    // The name is part of the key, so that what was sealed for one cookie does not open as another.
    this.#key = new Uint8Array(hkdfSync('sha256', options.secret, '', options.name, 32));
  }

  /** `undefined` as well for what somebody else has made, or we under another secret. */
  read(ctx: Context): string | undefined {
    const sealed = Buffer.from(ctx.cookies.get(this.#options.name) ?? '', 'base64url');
    try {
      const nonce = sealed.subarray(0, NONCE_BYTES);
      const decipher = createDecipheriv('aes-256-gcm', this.#key, nonce, { authTagLength: TAG_BYTES });
      decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
      const opened = decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES));
      return Buffer.concat([opened, decipher.final()]).toString('utf8');
    } catch {
      return undefined;
    }
  }

  /** `null` takes it away. */
  write(ctx: Context, value: string | null): void {
    const { name, sameSite } = this.#options;
    // Koa would refuse it at a socket without TLS: that is the proxy's affair, and localhost needs none.
    ctx.cookies.secure = true;
    const sealed = value === null ? null : this.#seal(value);
    ctx.cookies.set(name, sealed, { httpOnly: true, secure: true, path: '/', sameSite, overwrite: true });
  }

  #seal(value: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce, { authTagLength: TAG_BYTES });
    return Buffer.concat([nonce, cipher.update(value, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString(
      'base64url',
    );
  }
}
