import { BlockList, isIPv4, isIPv6 } from 'node:net';

/** IANA's registry of special-purpose IPv4 addresses (RFC 6890), and multicast. */
const SPECIAL_IPV4 = subnets('ipv4', [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.31.196.0', 24],
  ['192.52.193.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['192.175.48.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
]);

/** All that IPv6 has of public addresses; what embeds an IPv4 address elsewhere is not among them. */
const GLOBAL_IPV6 = subnets('ipv6', [['2000::', 3]]);

/** Within those: protocols, documentation, and 6to4, which leads to any IPv4 address. */
const SPECIAL_IPV6 = subnets('ipv6', [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['2620:4f:8000::', 48],
  ['3fff::', 20],
]);

const LOOPBACK_IPV4 = subnets('ipv4', [['127.0.0.0', 8]]);

/** May anybody on the internet have it? Of an address as Node writes it; anything else is not public. */
export function isPublic(address: string): boolean {
  return isIPv4(address)
    ? !SPECIAL_IPV4.check(address)
    : isIPv6(address) && GLOBAL_IPV6.check(address, 'ipv6') && !SPECIAL_IPV6.check(address, 'ipv6');
}

export function isLoopback(address: string): boolean {
  return address === '::1' || (isIPv4(address) && LOOPBACK_IPV4.check(address));
}

function subnets(family: 'ipv4' | 'ipv6', ranges: readonly (readonly [address: string, bits: number])[]): BlockList {
  const list = new BlockList();
  for (const [address, bits] of ranges) {
    list.addSubnet(address, bits, family);
  }
  return list;
}
