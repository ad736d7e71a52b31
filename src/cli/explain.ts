import { BrandError } from '../authorization-server/brand/brand.ts';
import { DirectoryError } from '../authorization-server/directory/mistake.ts';
import { ConfigError } from '../config/mistakes.ts';
import { isDatabaseUnavailable } from '../database/unavailable.ts';
import { portHolder } from './port-holder.ts';

/** Something that only whoever runs the command can put right; the message says how. */
export class OperatorError extends Error {
  override readonly name = 'OperatorError';
}

const FOR_THE_OPERATOR = [BrandError, ConfigError, DirectoryError, OperatorError];

/** Why a command failed, for whoever ran it: in words where it is theirs to mend, with the stack where it is ours. */
export async function explain(error: unknown): Promise<string> {
  if (!(error instanceof Error)) {
    return String(error);
  }
  if (FOR_THE_OPERATOR.some((Kind) => error instanceof Kind)) {
    return error.message;
  }
  const code = 'code' in error ? String(error.code) : '';
  if (code.startsWith('ERR_PARSE_ARGS')) {
    return `${error.message}\nRun "concierge help" to see what there is.`;
  }
  if (code === 'EADDRINUSE' && 'port' in error) {
    const holder = await portHolder(Number(error.port));
    return `Port ${error.port} is in use${holder === undefined ? '' : ` by ${holder}`}. End that process, or choose another port.`;
  }
  if (isDatabaseUnavailable(error)) {
    return `PostgreSQL cannot be used: ${error.message}.\nCheck DATABASE_URL, and that the server runs and lets this role in.`;
  }
  return error.stack ?? error.message;
}
