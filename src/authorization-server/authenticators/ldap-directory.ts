/**
 * People whose passwords an LDAP directory keeps (RFC 4511, RFC 4513 §5.1): the entry is searched for, and then bound as.
 */
import { randomBytes } from 'node:crypto';
import { Client, type Entry, escapeFilter, ResultCodeError } from 'ldapts';

export interface LdapSettings {
  readonly url: string;
  readonly startTls: boolean;
  /** `null`: the search is anonymous. */
  readonly bindDn: string | null;
  readonly bindPassword: string | undefined;
  readonly searchBase: string;
  /** RFC 4515, with `{email}` for what was typed. */
  readonly searchFilter: string;
  readonly attributes: { readonly email: string; readonly name: string };
}

/** An entry of the directory, as far as an account needs it. */
export interface LdapPerson {
  /** The entry's UUID (RFC 4530), which it keeps when it is renamed; its DN where the directory has none. */
  readonly subject: string;
  readonly email: string;
  readonly name: string;
}

export interface LdapDirectory {
  /**
   * Whom these credentials are those of. `undefined` says no and never why; every no costs one search and one bind.
   * Throws `LdapUnavailable` when the directory cannot say.
   */
  authenticate(credentials: { readonly email: string; readonly password: string }): Promise<LdapPerson | undefined>;
}

/** The directory is away, too slow, or does not let us search: somebody has to look after it, and people have to wait. */
export class LdapUnavailable extends Error {
  override readonly name = 'LdapUnavailable';
}

const CONNECT_MS = 2_000;
const ANSWER_MS = 3_000;

/** RFC 4511 §4.1.9: noSuchObject, inappropriateAuthentication, invalidCredentials, unwillingToPerform (a locked entry). */
const REFUSALS = [32, 48, 49, 53];

const ENTRY_UUID = 'entryUUID';

export function createLdapDirectory(settings: LdapSettings): LdapDirectory {
  return {
    async authenticate({ email, password }) {
      // RFC 4513 §5.1.2: a bind with a name and no password succeeds, and proves nothing.
      if (password === '') {
        return undefined;
      }
      const client = new Client({ url: settings.url, connectTimeout: CONNECT_MS, timeout: ANSWER_MS, strictDN: false });
      try {
        const entry = await unlessAway(() => find(client, settings, email));
        const person = entry && personOf(entry, settings);
        const bound = await unlessAway(() => bindAs(client, entry?.dn ?? nobodyIn(settings), password));
        return bound ? person : undefined;
      } finally {
        await client.unbind().catch(() => undefined);
      }
    },
  };
}

/** The one entry that is meant; `undefined` when there is none, or more than one to choose from. */
async function find(client: Client, settings: LdapSettings, email: string): Promise<Entry | undefined> {
  const { bindDn, bindPassword = '', searchBase, searchFilter, attributes } = settings;
  if (settings.startTls) {
    await client.startTLS({ servername: new URL(settings.url).hostname });
  }
  if (bindDn !== null) {
    await client.bind(bindDn, bindPassword);
  }
  const { searchEntries } = await client.search(searchBase, {
    scope: 'sub',
    filter: searchFilter.replaceAll('{email}', () => escapeFilter`${email}`),
    attributes: [attributes.email, attributes.name, ENTRY_UUID],
  });
  return searchEntries.length === 1 ? searchEntries[0] : undefined;
}

async function bindAs(client: Client, dn: string, password: string): Promise<boolean> {
  try {
    await client.bind(dn, password);
    return true;
  } catch (error) {
    if (error instanceof ResultCodeError && REFUSALS.includes(error.code)) {
      return false;
    }
    throw error;
  }
}

/** So that who is not there costs a bind, too. */
function nobodyIn({ searchBase }: LdapSettings): string {
  return `cn=nobody-${randomBytes(8).toString('hex')},${searchBase}`;
}

function personOf(entry: Entry, { attributes }: LdapSettings): LdapPerson | undefined {
  const email = firstOf(entry[attributes.email]);
  return email === undefined
    ? undefined
    : {
        subject: firstOf(entry[ENTRY_UUID]) ?? entry.dn.toLowerCase(),
        email,
        name: firstOf(entry[attributes.name]) ?? email,
      };
}

function firstOf(value: Entry[string] | undefined): string | undefined {
  const [first] = [value ?? []].flat();
  const text = first?.toString().trim();
  return text === '' ? undefined : text;
}

async function unlessAway<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new LdapUnavailable('the LDAP directory cannot be asked', { cause: error });
  }
}
