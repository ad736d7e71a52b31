import { errors } from 'oidc-provider';
import { USER_CODE } from '../flows/device-authorization/device-authorization.ts';

/** The message for each thing that can be wrong with a code, by the engine's name for it (9.13.3). */
const PROBLEMS: Readonly<Record<string, string>> = {
  NoCodeError: 'device.problem.missing',
  NotFoundError: 'device.problem.unknown',
  ExpiredError: 'device.problem.expired',
  AlreadyUsedError: 'device.problem.used',
  TooManyCodes: 'device.problem.too-many',
};

/** The key of a message; `undefined` for what has nothing to do with the code. */
export function codeProblem(error: { readonly name: string }, typed: string): string | undefined {
  if (error.name === 'NotFoundError' && !USER_CODE.test(normalCode(typed))) {
    return typed === '' ? PROBLEMS.NoCodeError : 'device.problem.malformed';
  }
  return error instanceof errors.SessionNotFound ? 'device.problem.lost' : PROBLEMS[error.name];
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
