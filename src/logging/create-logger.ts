import { type DestinationStream, type Logger, pino, stdSerializers } from 'pino';
import { linesOfATurn } from './lines-of-a-turn.ts';

/** Bytes: thousands of lines. */
const MOST_UNWRITTEN = 4 * 1024 * 1024;

/**
 * The logger of every process. Of an error it keeps what says where and why it happened. The rest is what it happened
 * to: Node's parser puts the bytes of the request into its errors, credentials included, and PostgreSQL values of a row.
 */
export function createLogger(level: string, destination: DestinationStream = linesOfATurn(standardOutput())): Logger {
  return pino({ level, serializers: { err: describeError } }, destination);
}

/**
 * Each write is done when it returns, so that it is done when the process ends. What cannot be written, as to a full disk,
 * goes out with a later write, and beyond a limit never: the requests matter more.
 */
function standardOutput(): DestinationStream {
  const output = pino.destination({ dest: 1, sync: true, maxLength: MOST_UNWRITTEN });
  output.on('error', () => {}); // An 'error' nobody listens to ends the process.
  return output;
}

function describeError(error: unknown) {
  if (!(error instanceof Error)) {
    return error;
  }
  const { type, message, stack, code } = stdSerializers.err(error);
  return { type, message, stack, code };
}
