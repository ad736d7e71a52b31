import { hash } from 'node:crypto';

/** The member of a Grant's payload that lets other sessions of the account go by it: provider/engine-tokens.ts, `keepWith`. */
export const REMEMBERED = 'remembered';

/** What a person has answered at the consent page, for longer than a session. */
export interface Remembered {
  /** When, in milliseconds since 1970: of several answers the last one counts. */
  readonly at: number;
  /** Whom they saw: `clientAsSeen`. */
  readonly client: string;
}

/** A client in the engine's words. */
interface SeenClient {
  readonly applicationType?: string | undefined;
  readonly clientName?: string | undefined;
  readonly clientUri?: string | undefined;
  readonly redirectUris?: readonly string[] | undefined;
}

/** Who asks and where the answer goes. A client that is another one by now was permitted nothing. */
export function clientAsSeen({ applicationType, clientName, clientUri, redirectUris = [] }: SeenClient): string {
  const seen = [applicationType, clientName, clientUri, redirectUris.toSorted()];
  return hash('sha256', JSON.stringify(seen), 'base64url');
}

/** A grant that is to be as one that the account holder has given the client in another session. */
export interface GrantToCopy {
  /** Of the new grant. */
  readonly id: string;
  readonly accountId: string;
  readonly clientId: string;
  /** As it is now: `clientAsSeen`. */
  readonly client: string;
}

export interface RememberedGrants {
  /**
   * Saves a copy of the last one that is remembered and has not ended, with the same end. True when it is there: of any number
   * of callers with this id one makes it. What ends or changes all grants of the client at the same moment reaches the
   * copy, too; and a copy that has ended is not made again.
   */
  copyRemembered(copy: GrantToCopy): Promise<boolean>;
}
