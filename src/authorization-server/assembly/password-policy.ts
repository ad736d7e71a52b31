import type { Logger } from 'pino';
import type { Config } from '../../config/schema.ts';
import { createBreachedPasswords } from '../accounts/breached-passwords.ts';
import { createPasswordPolicy, type PasswordPolicy } from '../accounts/password-policy.ts';
import { createOutgoing } from '../provider/outgoing.ts';

/** Bytes: about a thousand stolen passwords begin with the same five digits, and more every year. */
const ROWS_LIMIT = 1024 * 1024;

export function assemblePasswordPolicy({ passwords, brand, mode }: Config, logger: Logger): PasswordPolicy {
  const { enabled, url } = passwords.breached;
  const isBreached = createBreachedPasswords({
    url,
    fetch: createOutgoing({ development: mode === 'development', answerLimit: ROWS_LIMIT }),
    onFailure: (err) => logger.warn({ err }, 'the list of breached passwords cannot be asked: a password was taken'),
  });
  return createPasswordPolicy({
    ...passwords,
    contextWords: [brand.name],
    isBreached: enabled ? isBreached : undefined,
  });
}
