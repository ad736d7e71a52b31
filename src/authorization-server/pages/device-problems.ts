import { errors } from 'oidc-provider';
import { USER_CODE } from '../flows/device-authorization/device-authorization.ts';

/** The engine's names (9.13.3) of what can be wrong with a code. */
const PROBLEMS: Readonly<Record<string, string>> = {
  NoCodeError: 'Type the code that your device shows.',
  NotFoundError: 'We don’t know that code. Check each letter against your device and try again.',
  ExpiredError: 'That code has expired. Ask your device for a new one.',
  AlreadyUsedError: 'That code was used already. If your device is still waiting, ask it for a new one.',
  TooManyCodes: 'Too many wrong codes came from your network. Wait ten minutes, then ask your device for a new code.',
};

const MALFORMED = 'A code has eight letters, like WDJB-MJHT: no digits and no vowels. Check it against your device.';
const LOST =
  'That took too long, or was finished in another window. If your device is still waiting, ask it for a new code.';

/** `undefined` for what has nothing to do with the code. */
export function codeProblem(error: { readonly name: string }, typed: string): string | undefined {
  if (error.name === 'NotFoundError' && !USER_CODE.test(normalCode(typed))) {
    return typed === '' ? PROBLEMS.NoCodeError : MALFORMED;
  }
  return error instanceof errors.SessionNotFound ? LOST : PROBLEMS[error.name];
}

/** What the engine makes of a code that someone typed: capitals, and nothing between them. */
export function normalCode(typed: string): string {
  return typed.toUpperCase().replaceAll(/\W/g, '');
}

/** A form of a page that was open for too long, or of another tab: the person is asked once more. */
export function isLostForm(error: Error): boolean {
  return (
    error instanceof errors.InvalidRequest &&
    ['could not find device form details', 'xsrf token invalid'].includes(error.error_description ?? '')
  );
}
