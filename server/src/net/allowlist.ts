/**
 * The setting `CLOUD_ENDPOINT_ALLOWLIST`: private or local addresses that the server may contact on a user's behalf.
 * Public addresses need no entry.
 */
import { isIPv6 } from 'node:net';

export interface Allowlist {
  /** Is `host` (a name or an address as a URL has it, IPv6 without brackets) with `port` on the list? */
  allows(host: string, port: number): boolean;
}

/**
 * Reads `host:port, host:port, …`; `*` is any port, an IPv6 address stands in brackets. Names match as written in the
 * URL, addresses match what a name resolves to as well. An empty text allows nothing.
 *
 * @throws Error naming the entry that cannot be understood
 */
export function parseAllowlist(text: string): Allowlist {
  const entries = new Map<string, Set<number> | '*'>();
  for (const part of text.split(',')) {
    const entry = part.trim();
    if (entry === '') continue;
    const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]/@*]+)):(\d{1,5}|\*)$/.exec(entry);
    const port = match?.[3] === '*' ? '*' : Number(match?.[3]);
    if (match === null || (port !== '*' && (port < 1 || port > 65_535))) {
      throw new Error(
        `CLOUD_ENDPOINT_ALLOWLIST: "${entry}" is not of the form host:port (port may be *, IPv6 in brackets)`,
      );
    }
    if (match[1] !== undefined && !isIPv6(match[1])) {
      throw new Error(`CLOUD_ENDPOINT_ALLOWLIST: "${match[1]}" is not an IPv6 address`);
    }
    const host = canonicalHost(match[1] ?? match[2]!);
    const known = entries.get(host);
    if (port === '*' || known === '*') entries.set(host, '*');
    else entries.set(host, (known ?? new Set()).add(port));
  }
  return {
    allows(host, port) {
      const ports = entries.get(canonicalHost(host));
      return ports !== undefined && (ports === '*' || ports.has(port));
    },
  };
}

/** One spelling per host: lower case, no trailing dot, numbers and IPv6 as the URL standard writes them. */
function canonicalHost(host: string): string {
  const url = URL.canParse(`http://${isIPv6(host) ? `[${host}]` : host}`)
    ? new URL(`http://${isIPv6(host) ? `[${host}]` : host}`)
    : null;
  return (url?.hostname ?? host)
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase();
}
