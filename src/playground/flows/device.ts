/** RFC 8628: the playground is a television that shows a code and asks whether somebody has answered. */
import * as openid from 'openid-client';
import QRCode from 'qrcode';
import { membersOf, refusedByServer } from '../attempt.ts';
import { alteredIdToken, garbageToken, replayRefreshToken, someOtherClient } from '../breakers.ts';
import { noteIdTokenChecks } from '../code-grant.ts';
import type { Action, Breaker, Flow, FlowContext } from '../flow.ts';
import { rfc } from '../parties.ts';
import { readTokens } from '../run.ts';
import { postForm } from '../token-request.ts';
import { USE_TOKEN } from '../use-token.ts';
import { scopeOf } from './fields.ts';
import { needsEndpoint } from './offered.ts';

const GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

/** RFC 8628 §3.2: where the answer names none. */
const DEFAULT_INTERVAL = 5;

const LONGEST_LINK = 1000;

/** A device may wait for ten minutes: of its polls the last ones are kept. */
const MOST_POLLS_KEPT = 5;

async function beginDevice(context: FlowContext): Promise<void> {
  const { run } = context;
  const { scope = '' } = run.parameters;
  const answer = await openid.initiateDeviceAuthorization(await context.connect(), { scope });
  const link = linkTo(answer.verification_uri_complete ?? answer.verification_uri);
  run.device = {
    deviceCode: answer.device_code,
    userCode: answer.user_code,
    verificationUri: linkTo(answer.verification_uri),
    link,
    qrCode: await QRCode.toString(link, { type: 'svg', margin: 0 }),
    interval: answer.interval ?? DEFAULT_INTERVAL,
  };
}

/** People are to open it: of another kind, or too long for a picture, it is none. */
function linkTo(uri: string): string {
  if (!/^https?:$/.test(URL.parse(uri)?.protocol ?? '') || uri.length > LONGEST_LINK) {
    throw new openid.ClientError('verification_uri is no address that a person could open');
  }
  return uri;
}

export const pollDevice: Action = {
  name: 'poll',
  title: 'Ask now',
  testid: 'device-poll',
  arrow: { from: 'client', to: 'authorization-server', label: 'has somebody answered?' },
  isAvailable: ({ run }) => run.device !== undefined,
  async perform(context) {
    const { run } = context;
    const { device } = run;
    if (device === undefined) {
      return;
    }
    forgetOldPolls(context);
    try {
      const parameters = { device_code: device.deviceCode };
      const answer = await openid.genericGrantRequest(await context.connect(), GRANT, parameters);
      run.tokens = readTokens(answer, run.parameters.scope);
      run.device = undefined;
      noteIdTokenChecks(context, undefined);
    } catch (thrown) {
      const error = thrown instanceof openid.ResponseBodyError ? thrown.error : undefined;
      if (error !== 'authorization_pending' && error !== 'slow_down') {
        run.device = undefined;
        throw thrown;
      }
      // RFC 8628 §3.5: five seconds more, from now on.
      run.device = { ...device, interval: device.interval + (error === 'slow_down' ? 5 : 0) };
    }
  },
};

function forgetOldPolls({ run, metadata }: FlowContext): void {
  const polls = run.steps.filter(
    (step) => !step.attack && 'exchange' in step && step.exchange.target === metadata.token_endpoint,
  );
  for (const old of polls.slice(0, -MOST_POLLS_KEPT + 1)) {
    run.steps.splice(run.steps.indexOf(old), 1);
  }
}

const isWaiting = ({ run }: FlowContext) => run.device !== undefined;

const poll = (context: FlowContext, deviceCode: string, client = context.client) =>
  postForm(context, context.metadata.token_endpoint, client, { grant_type: GRANT, device_code: deviceCode });

const BREAKERS: readonly Breaker[] = [
  {
    name: 'too-fast',
    title: 'Poll too fast',
    attack: 'A device asks again and again without a pause, and keeps the server busy.',
    rule: 'Whoever does not wait for the interval is told slow_down, and has to wait five seconds longer from then on.',
    standard: rfc(8628, '3.5'),
    isAvailable: isWaiting,
    async attempt(context) {
      const code = context.run.device?.deviceCode ?? '';
      await poll(context, code);
      const answer = await poll(context, code);
      const { error } = await membersOf(answer);
      return { ...(await refusedByServer(answer)), refused: error === 'slow_down' };
    },
  },
  {
    name: 'invented-device-code',
    title: 'Invent a device code',
    attack: 'Somebody guesses the code of a device that is waiting, to be given its tokens.',
    rule: 'The device code is long and random; what was not issued is invalid_grant.',
    standard: rfc(8628, '5.2'),
    isAvailable: () => true,
    attempt: async (context) => refusedByServer(await poll(context, openid.randomState())),
  },
  {
    name: 'other-client',
    title: 'Ask as another client',
    attack: 'Another client got hold of the device code and asks for the tokens.',
    rule: 'A device code is bound to the client that it was issued to.',
    standard: rfc(8628, '3.4'),
    isAvailable: (context) => isWaiting(context) && someOtherClient(context) !== undefined,
    attempt: async (context) =>
      refusedByServer(await poll(context, context.run.device?.deviceCode ?? '', someOtherClient(context))),
  },
];

export const device: Flow = {
  name: 'device',
  path: '/flows/device',
  title: 'Device',
  summary: 'A television without a keyboard shows a code, which somebody confirms on their phone.',
  purpose:
    'For devices without a browser or a keyboard: televisions, printers, command lines. The device shows a short code, the person confirms it on another device, and meanwhile the first one asks again and again.',
  standards: [rfc(8628)],
  roles: ['device'],
  runsIn: 'server',
  fields: [scopeOf('device')],
  missing: needsEndpoint('device_authorization_endpoint'),
  start: {
    name: 'start',
    title: 'Connect the television',
    testid: 'start',
    arrow: { from: 'client', to: 'authorization-server', label: 'ask for a code to show' },
    isAvailable: () => true,
    perform: beginDevice,
  },
  actions: [pollDevice, ...USE_TOKEN],
  story: ['poll', 'whoami', 'userinfo', 'refresh', 'revoke', 'whoami'],
  breakers: [...BREAKERS, alteredIdToken, garbageToken, replayRefreshToken],
};
