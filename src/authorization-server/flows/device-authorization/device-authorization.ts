/**
 * Device authorization grant (RFC 8628): a device without a keyboard shows a code, which a person types elsewhere.
 *
 * Eight letters without vowels and look-alikes (§6.1): 34 bits, which live for ten minutes and are guessed at twenty wrong
 * ones an address (provider/user-codes.ts). The person is always asked whether the code is the one on their device, also
 * where the address brought it along (§3.3.1): who opens a link that somebody sent must not have signed that one's
 * device in (§5.4).
 */
import type { Configuration, KoaContextWithOIDC } from 'oidc-provider';
import type { Slice } from '../slice.ts';

type DeviceFlow = NonNullable<NonNullable<Configuration['features']>['deviceFlow']>;

/** Draws the field for the code, the question whether it is the right device, and the end. */
export type DevicePages = Required<Pick<DeviceFlow, 'userCodeInputSource' | 'userCodeConfirmSource' | 'successSource'>>;

/** As it is stored: in capitals, and without what stands between the letters. */
export const USER_CODE = /^[BCDFGHJKLMNPQRSTVWXZ]{8}$/;

const LIFETIME_SECONDS = 600;

/** What the person is shown of the device; a stranger chooses it. */
const LONGEST_USER_AGENT = 200;

export const deviceAuthorizationSettings = (pages: DevicePages): Slice => ({
  features: {
    deviceFlow: {
      enabled: true,
      charset: 'base-20',
      mask: '****-****',
      deviceInfo: (ctx) => ({ address: ctx.ip, software: ctx.get('User-Agent').slice(0, LONGEST_USER_AGENT) }),
      ...pages,
    },
  },
  ttl: { DeviceCode: LIFETIME_SECONDS },
});

/** RFC 8628 §3.2: said also where it is the default, for clients that do not know of one. */
export const tellInterval = (seconds: number) => (_ctx: KoaContextWithOIDC, response: object) => {
  Object.assign(response, { interval: seconds });
};
