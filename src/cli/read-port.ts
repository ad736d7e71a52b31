import { OperatorError } from './explain.ts';

/** Of the command line. */
export function readPort(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) {
    throw new OperatorError(`${text} is not a port.`);
  }
  return Number(text);
}
