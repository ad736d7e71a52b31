import { isIPv4, isIPv6 } from 'node:net';

/**
 * Whom an address stands for where requests are counted: of IPv6 the first half (RFC 4291 §2.5.1). Everybody who has one has
 * all 2^64 of the other half, too. An IPv4 address that comes written as IPv6 counts as what it is.
 */
export function networkOf(address: string): string {
  const [plain = ''] = address.split('%');
  const mapped = plain.replace(/^::ffff:/i, '');
  if (isIPv4(mapped) || !isIPv6(plain)) {
    return mapped;
  }
  const [head = '', tail] = new URL(`http://[${plain}]`).hostname.slice(1, -1).split('::');
  const [first, last] = [head, tail ?? ''].map((groups) => groups.split(':').filter((group) => group !== ''));
  const left = first ?? [];
  const zeros = Array.from({ length: 8 - left.length - (last ?? []).length }, () => '0');
  return [...left, ...zeros, ...(last ?? [])].slice(0, 4).join(':');
}
