/**
 * One spelling for every way to write an email address (RFC 6531), so that no account has two counters of failed sign-ins and no
 * address two accounts. Dots and `+tags` stay: whether they matter is up to the mailbox's provider.
 *
 * The canonical spelling is for looking up and comparing only. Mail goes to the address as it was registered: two
 * mailboxes may share a canonical spelling.
 */
import { domainToASCII } from 'node:url';

/** RFC 5321 §4.5.3.1: 64 octets, `@`, 255 octets; nobody's address is longer. */
const MAX_LENGTH = 320;

const LOCAL_PART = /^[^\s\p{C}@]+$/u;

/** `domainToASCII` parses what it gets like a URL's host: it would decode `%70` and drop a path. */
const WRITTEN_DOMAIN = /^[a-z0-9.\-\P{ASCII}]+$/u;

/** A host name whose last label starts with a letter: `domainToASCII` reads anything else as an IPv4 address. */
const DOMAIN = /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)*[a-z](?:[a-z0-9-]*[a-z0-9])?$/;

/** `undefined` for what cannot be an email address. */
export function canonicalEmail(text: unknown): string | undefined {
  if (typeof text !== 'string' || text.length > MAX_LENGTH) {
    return undefined;
  }
  const [localPart = '', domain = '', ...rest] = fold(text).trim().split('@');
  const asciiDomain = WRITTEN_DOMAIN.test(domain) ? domainToASCII(domain).replace(/\.$/, '') : '';
  if (rest.length > 0 || !LOCAL_PART.test(localPart) || !DOMAIN.test(asciiDomain)) {
    return undefined;
  }
  const canonical = `${localPart}@${asciiDomain}`;
  return canonical.length > MAX_LENGTH ? undefined : canonical;
}

/** After NFKC_Casefold (Unicode §3.13): invisible characters go, and lower-casing may undo the normal form. */
function fold(text: string): string {
  return text
    .replace(/\p{Default_Ignorable_Code_Point}/gu, '')
    .normalize('NFKC')
    .toLowerCase()
    .normalize('NFKC');
}
