/**
 * Agents for clients of other people's making that connect only where `safeFetch` would: every address that is connected to is
 * public or on the allowlist, and it is the very address that was checked.
 */
import { lookup as systemLookup } from 'node:dns/promises';
import { type AgentOptions, Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { DomainError } from '../errors.js';
import { isPublicAddress } from './address.js';
import type { Allowlist } from './allowlist.js';

export interface SafeAgents {
  readonly httpAgent: HttpAgent;
  readonly httpsAgent: HttpsAgent;
}

/** Addresses of `host` that may be contacted at `port`. @throws DomainError `invalid` (`address-not-allowed`) */
export async function allowedAddressesOf(
  host: string,
  port: number,
  allowlist: Allowlist,
): Promise<string[]> {
  const addresses =
    isIP(host) !== 0
      ? [host]
      : await systemLookup(host, { all: true, verbatim: true }).then(
          (found) => found.map(({ address }) => address),
          () => [],
        );
  const byName = allowlist.allows(host, port);
  const allowed = addresses.filter(
    (address) => byName || isPublicAddress(address) || allowlist.allows(address, port),
  );
  if (allowed.length > 0) return allowed;
  throw new DomainError(
    'invalid',
    'address-not-allowed',
    `${host} cannot be contacted: it is private, local or reserved, or its name is not known. ` +
      `An administrator can allow it in the setting CLOUD_ENDPOINT_ALLOWLIST (as ${host.includes(':') ? `[${host}]` : host}:${port})`,
    { details: { host, port } },
  );
}

/**
 * For one place: literal addresses are never looked up by Node, so they are checked here.
 *
 * @throws DomainError `invalid` (`address-not-allowed`) for a literal address that may not be contacted
 */
export function safeAgents(host: string, port: number, allowlist: Allowlist): SafeAgents {
  if (isIP(host) !== 0 && !isPublicAddress(host) && !allowlist.allows(host, port)) {
    throw new DomainError(
      'invalid',
      'address-not-allowed',
      `${host}:${port} cannot be contacted: it is private, local or reserved. ` +
        'An administrator can allow it in the setting CLOUD_ENDPOINT_ALLOWLIST',
      { details: { host, port } },
    );
  }
  const lookup: LookupFunction = (name, options, callback) => {
    allowedAddressesOf(name, port, allowlist).then(
      (addresses) => {
        const found = addresses.map((address) => ({ address, family: isIP(address) }));
        if (options.all === true) callback(null, found);
        else callback(null, found[0]!.address, found[0]!.family);
      },
      (error: NodeJS.ErrnoException) => callback(error, ''),
    );
  };
  const options: AgentOptions & { lookup: LookupFunction } = { keepAlive: false, maxSockets: 10, lookup };
  return { httpAgent: new HttpAgent(options), httpsAgent: new HttpsAgent(options) };
}
