/**
 * Which addresses lie in the public internet. Pure.
 *
 * Everything that is not known to be public counts as not public: special-purpose registries of IANA, plus the
 * metadata services of clouds that sit on otherwise public addresses.
 */
import { BlockList, isIPv4, isIPv6 } from 'node:net';

const NOT_PUBLIC_V4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10], // carrier-grade NAT; holds one cloud's metadata service too
  ['127.0.0.0', 8],
  ['168.63.129.16', 32], // Azure's host service
  ['169.254.0.0', 16], // link-local; holds most clouds' metadata services
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
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
];

/** Parts of 2000::/3 that are not ordinary unicast. Whatever lies outside 2000::/3 is refused as a whole. */
const NOT_PUBLIC_V6: readonly (readonly [string, number])[] = [
  ['2001::', 23], // IETF protocols, Teredo among them
  ['2001:db8::', 32],
  ['2002::', 16], // 6to4: carries any IPv4 address inside
  ['2620:4f:8000::', 48],
  ['3fff::', 20],
];

const refusedV4 = new BlockList();
for (const [net, bits] of NOT_PUBLIC_V4) refusedV4.addSubnet(net, bits, 'ipv4');
const refusedV6 = new BlockList();
for (const [net, bits] of NOT_PUBLIC_V6) refusedV6.addSubnet(net, bits, 'ipv6');
const unicastV6 = new BlockList();
unicastV6.addSubnet('2000::', 3, 'ipv6');

/** True for an address of the public internet, in any spelling Node accepts; false for all else, also for no address. */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !refusedV4.check(address, 'ipv4');
  if (!isIPv6(address) || address.includes('%')) return false;
  // IPv4-mapped (::ffff:a.b.c.d) lies outside 2000::/3, and so is refused without looking inside.
  return unicastV6.check(address, 'ipv6') && !refusedV6.check(address, 'ipv6');
}
