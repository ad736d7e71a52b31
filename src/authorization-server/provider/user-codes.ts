import Provider, { errors, type KoaContextWithOIDC } from 'oidc-provider';
import { networkOf } from '../../http/network-of-address.ts';
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

/** Of several at once; a node that dies over it leaves the next one to be given half a minute later. */
const ONE_ANSWER = { name: 'device answer', most: 1, seconds: 30 };

/**
 * A device is connected by one person, or by none. The engine (9.13.3) looks whether somebody has answered already and
 * notes a moment later that it is being done: of two at once both would be told that it is theirs.
 */
export function answerDevicesOnce(provider: Provider, limits: Pick<RateLimits, 'take'>): void {
  wrapUserCodeLookup(provider, async (userCode, find) => {
    const comesLate = isAnswer(Provider.ctx) && !(await limits.take(ONE_ANSWER, userCode));
    const found = await find();
    if (found && comesLate) {
      Object.assign(found, { inFlight: true }); // So the engine reads that somebody is about to answer.
    }
    return found;
  });
}

/** From a form of ours, whose secret it has; without that the code is looked up only to ask again. */
function isAnswer(ctx: KoaContextWithOIDC | undefined): boolean {
  const { params = {}, session } = ctx?.oidc ?? {};
  const { secret } = (session?.state ?? {}) as { readonly secret?: string };
  return secret !== undefined && params.xsrf === secret && Boolean(params.confirm || params.abort);
}

export class TooManyCodes extends errors.CustomOIDCProviderError {
  override readonly name = 'TooManyCodes';
  override status = 429;
  override statusCode = 429;

  constructor() {
    super('slow_down', 'too many wrong codes came from this address');
  }
}
