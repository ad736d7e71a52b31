import * as openid from 'openid-client';
import QRCode from 'qrcode';
import type { Exchange } from './exchange.ts';
import { GRANTS } from './grants.ts';
import { readTokens, type Tokens } from './outcome.ts';
import type { GrantContext } from './run-grant.ts';

/** A device that shows its code and waits. */
export interface WaitingDevice {
  readonly deviceCode: string;
  readonly userCode: string;
  readonly verificationUri: string;
  /** Where the code need not be typed, and the same as a picture: SVG. */
  readonly link: string;
  readonly qrCode: string;
  /** Seconds between two polls. */
  readonly interval: number;
  readonly exchanges: readonly Exchange[];
}

const GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

/** RFC 8628 §3.2: where the answer names none. */
const DEFAULT_INTERVAL = 5;

/** A device may wait for ten minutes: the first request stays, and the last polls. */
const MOST_POLLS_SHOWN = 5;

export async function beginDevice(context: GrantContext): Promise<WaitingDevice> {
  const { scope } = GRANTS.device;
  const configuration = await context.authorizationServer.connect(GRANTS.device, context.exchanges);
  const answer = await openid.initiateDeviceAuthorization(configuration, { scope });
  const link = answer.verification_uri_complete ?? answer.verification_uri;
  return {
    deviceCode: answer.device_code,
    userCode: answer.user_code,
    verificationUri: answer.verification_uri,
    link,
    qrCode: await QRCode.toString(link, { type: 'svg', margin: 0 }),
    interval: answer.interval ?? DEFAULT_INTERVAL,
    exchanges: context.exchanges,
  };
}

/** The tokens, or the device that goes on waiting. Throws openid-client's errors when there will be none. */
export async function pollDevice(context: GrantContext, device: WaitingDevice): Promise<Tokens | WaitingDevice> {
  const configuration = await context.authorizationServer.connect(GRANTS.device, context.exchanges);
  try {
    const parameters = { device_code: device.deviceCode };
    return readTokens(await openid.genericGrantRequest(configuration, GRANT, parameters), GRANTS.device.scope);
  } catch (thrown) {
    const error = thrown instanceof openid.ResponseBodyError ? thrown.error : undefined;
    if (error !== 'authorization_pending' && error !== 'slow_down') {
      throw thrown;
    }
    const [asked, ...polls] = context.exchanges;
    const shown = [...(asked ? [asked] : []), ...polls.slice(-MOST_POLLS_SHOWN)];
    // RFC 8628 §3.5: five seconds more, from now on.
    return { ...device, interval: device.interval + (error === 'slow_down' ? 5 : 0), exchanges: shown };
  }
}

export function isWaiting(answer: Tokens | WaitingDevice): answer is WaitingDevice {
  return 'deviceCode' in answer;
}
