/** Each part of a name, and in it each `type=value`. */
type Name = readonly (readonly string[])[];

/** OpenSSL, which Node asks, has names for these; RFC 4514 §2.3 lets a client write any type by its number. */
const TYPES: Readonly<Record<string, string>> = {
  '2.5.4.3': 'cn',
  '2.5.4.5': 'serialnumber',
  '2.5.4.6': 'c',
  '2.5.4.7': 'l',
  '2.5.4.8': 'st',
  '2.5.4.9': 'street',
  '2.5.4.10': 'o',
  '2.5.4.11': 'ou',
  '2.5.4.15': 'businesscategory',
  '2.5.4.97': 'organizationidentifier',
  '0.9.2342.19200300.100.1.1': 'uid',
  '0.9.2342.19200300.100.1.25': 'dc',
  '1.2.840.113549.1.9.1': 'emailaddress',
  '1.3.6.1.4.1.311.60.2.1.3': 'jurisdictionc',
};

/**
 * Is it the same name? `subject` is what Node says of a certificate, a line for each part from the outermost on; `expected` is
 * written as RFC 4514 wants, with commas and the outermost last. Values count letter by letter.
 */
export function isSameName(subject: string, expected: string): boolean {
  const [one, other] = [parseName(subject, '\n'), parseName(expected, ',')?.toReversed()];
  return one !== undefined && other !== undefined && JSON.stringify(one) === JSON.stringify(other);
}

function parseName(text: string, separator: ',' | '\n'): Name | undefined {
  const parts = splitAt(separator, text).map((part) => splitAt('+', part).map(parseAttribute));
  return parts.every((part) => part.every((attribute) => attribute !== undefined))
    ? parts.map((part) => part.filter((attribute) => attribute !== undefined).sort())
    : undefined;
}

/** Where the separator is not escaped. */
function splitAt(separator: string, text: string): string[] {
  const pieces = [''];
  for (const [piece] of text.matchAll(/\\[\s\S]|[\s\S]/g)) {
    if (piece === separator) {
      pieces.push('');
    } else {
      pieces[pieces.length - 1] += piece;
    }
  }
  return pieces;
}

function parseAttribute(text: string): string | undefined {
  const { type = '', value = '' } = /^ *(?<type>[\w.-]+) *= *(?<value>[\s\S]*)$/.exec(text)?.groups ?? {};
  const name = type.toLowerCase();
  // `#` begins a value in hexadecimal BER, which Node never writes.
  return type === '' || value.startsWith('#') ? undefined : `${TYPES[name] ?? name}=${meant(value)}`;
}

/** RFC 4514 §2.4: bytes in hexadecimal, or the character itself, behind a backslash; spaces at the end count if escaped. */
function meant(value: string): string {
  return value
    .replace(/(?<!\\) +$/, '')
    .replace(/(?:\\[0-9a-f]{2})+|\\[\s\S]/gi, (escaped) =>
      escaped.length === 2 ? escaped.slice(1) : Buffer.from(escaped.replaceAll('\\', ''), 'hex').toString(),
    );
}
