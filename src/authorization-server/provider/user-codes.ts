import Provider, { errors } from 'oidc-provider';
import { USER_CODE } from '../flows/device-authorization/device-authorization.ts';
import { wrapUserCodeLookup } from './engine-tokens.ts';
import type { RateLimits } from './rate-limits.ts';

/**
 * RFC 8628 §5.1: a code that people can type can be guessed, were there no limit. Twenty wrong ones in the time that a code
 * lives leave someone with a thousand addresses one chance in a million for each device that waits.
 */
const WRONG_CODES = { name: 'user code', most: 20, seconds: 600 };

/** Counts a code before it is looked up, so that many at once get no further than one after the other. */
export function limitUserCodes(provider: Provider, limits: RateLimits): void {
  wrapUserCodeLookup(provider, async (userCode, find) => {
    if (!USER_CODE.test(userCode)) {
      return undefined; // Nothing can have that code, so it is no guess.
    }
    const whose = networkOf(Provider.ctx?.ip ?? '');
    if (!(await limits.take(WRONG_CODES, whose))) {
      throw new TooManyCodes();
    }
    const found = await find();
    if (found !== undefined) {
      await limits.giveBack(WRONG_CODES, whose);
    }
    return found;
  });
}

export class TooManyCodes extends errors.CustomOIDCProviderError {
  override readonly name = 'TooManyCodes';
  override status = 429;
  override statusCode = 429;

  constructor() {
    super('slow_down', 'too many wrong codes came from this address');
  }
}

/** Whom an address stands for: of IPv6, whoever has one has at least 2^64 of them (RFC 6177). */
export function networkOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '');
  if (!plain.includes(':')) {
    return plain;
  }
  const [before = '', after] = plain.split('::');
  const head = before === '' ? [] : before.split(':');
  const tail = after === undefined || after === '' ? [] : after.split(':');
  const zeros = Array<string>(Math.max(8 - head.length - tail.length, 0)).fill('0');
  return [...head, ...zeros, ...tail].slice(0, 4).join(':');
}
