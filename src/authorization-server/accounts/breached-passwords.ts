/**
 * Whether a password stands in a list of stolen ones, asked in a way that tells nobody the password: the first five digits of
 * its SHA-1 go out, and every stolen one with those digits comes back (k-anonymity; the range query of Have I Been Pwned).
 * SHA-1 is what such lists are made of; it guards nothing here.
 */
import { createHash } from 'node:crypto';

/** Somebody waits for the answer with a form sent. */
const PATIENCE_MS = 1000;

const PREFIX_DIGITS = 5;

export interface BreachedPasswordsSettings {
  /** The digits go behind a slash. */
  readonly url: string;
  readonly fetch: (input: string, init: RequestInit) => Promise<Response>;
  /** Whoever cannot be asked keeps nobody from choosing a password; an operator should know. */
  readonly onFailure: (error: unknown) => void;
}

export function createBreachedPasswords({ url, fetch, onFailure }: BreachedPasswordsSettings) {
  return async (password: string): Promise<boolean> => {
    const digits = createHash('sha1').update(password).digest('hex').toUpperCase();
    const prefix = digits.slice(0, PREFIX_DIGITS);
    try {
      const response = await fetch(`${url}/${prefix}`, {
        // Answers of one length: it would tell an eavesdropper which digits were asked for.
        headers: { 'Add-Padding': 'true', 'User-Agent': 'concierge' },
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
      if (response.status !== 200) {
        throw new Error(`the list of breached passwords answered with status ${response.status}`);
      }
      return hasRow(await response.text(), digits.slice(PREFIX_DIGITS));
    } catch (error) {
      onFailure(error);
      return false;
    }
  };
}

/** A row is `SUFFIX:COUNT`; padding has a count of 0. */
function hasRow(rows: string, suffix: string): boolean {
  return rows.split('\n').some((row) => {
    const [stolen = '', count = ''] = row.trim().split(':');
    return stolen.toUpperCase() === suffix && Number(count) > 0;
  });
}
