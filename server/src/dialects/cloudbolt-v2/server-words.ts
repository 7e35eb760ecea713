/** A server in CloudBolt's words (specs: cloudbolt.md §5.4). Pure. */
import { wireTime } from './dates.js';
import { hyphenated } from './values.js';

export interface ServerRow {
  readonly number: number;
  readonly code: string;
  readonly hostname: string;
  readonly status: string;
  readonly power: string;
  readonly ip: string;
  readonly privateIp: string;
  readonly mac: string;
  readonly port: number | null;
  readonly cpus: number;
  readonly memoryMb: number;
  readonly diskGb: number;
  readonly osFamily: string;
  readonly username: string;
  readonly hasPassword: boolean;
  readonly hasKey: boolean;
  readonly expiresOn: string | null;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly labels: readonly string[];
  readonly notes: string;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly trouble: string;
  readonly createdAt: string;
  readonly group: number | null;
  readonly groupCode: string | null;
  readonly groupName: string | null;
  readonly environment: number | null;
  readonly environmentCode: string | null;
  readonly environmentName: string | null;
  readonly osBuild: number | null;
  readonly osBuildCode: string | null;
  readonly osBuildName: string | null;
  readonly account: number | null;
  readonly accountName: string | null;
  readonly accountKind: string | null;
  readonly owner: number | null;
  readonly ownerName: string | null;
  readonly deploymentId: string | null;
  readonly instanceId: string | null;
  readonly disks: readonly {
    readonly id: string;
    readonly name: string;
    readonly gb: number;
    readonly datastore: string;
    readonly provisioning: string;
  }[];
  readonly nics: readonly {
    readonly network: string;
    readonly mac: string;
    readonly ip: string;
    readonly privateIp: string;
  }[];
  readonly snapshots: readonly { readonly id: string; readonly name: string; readonly createdAt: string }[];
}

export const STATUS = {
  building: 'PROV',
  active: 'ACTIVE',
  changing: 'MODIFY',
  ending: 'DECOM',
  'build-failed': 'PROVFAILED',
  historical: 'HISTORICAL',
} as const;
export const POWER = { on: 'POWERON', off: 'POWEROFF', suspended: 'SUSPENDED', unknown: 'UNKNOWN' } as const;

/** What an item tells behind its name and states, in this order. */
export function serverDetails(row: ServerRow, rates: Record<string, string>): Record<string, unknown> {
  return {
    ip: row.ip,
    mac: row.mac,
    'date-added-to-cloudbolt': wireTime(row.createdAt),
    'cpu-cnt': row.cpus,
    'mem-size': memoryText(row.memoryMb),
    'disk-size': `${row.diskGb} GB`,
    'os-family': row.osFamily,
    notes: row.notes,
    labels: row.labels,
    credentials: {
      username: row.username,
      password: row.hasPassword ? '******' : 'not set',
      key: row.hasKey ? '******' : 'not set',
    },
    disks: row.disks.map(({ id, gb, name, datastore, provisioning }) => ({
      uuid: id,
      'disk-size': gb,
      name,
      datastore,
      'provisioning-type': provisioning,
    })),
    networks: row.nics.map((nic, at) => ({
      name: `NIC ${at}`,
      network: nic.network,
      mac: nic.mac,
      ip: nic.ip,
      'private-ip': nic.privateIp,
      'additional-ips': '',
    })),
    parameters: parametersBody(row.parameters),
    'tech-specific-details': row.facts,
    'rate-breakdown': rates,
    // Extensions: what clients of the product do not find there.
    port: row.port,
    'expiration-date': row.expiresOn,
    snapshots: row.snapshots.map((each) => ({
      id: each.id,
      name: each.name,
      'create-date': wireTime(each.createdAt),
    })),
    deployment: row.deploymentId,
    trouble: row.trouble,
  };
}

/** Always with four places: `2.0000 GB`. */
function memoryText(mb: number): string {
  return `${(mb / 1024).toFixed(4)} GB`;
}

/** Names hyphenated, case kept; passwords masked. */
export function parametersBody(parameters: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [
      hyphenated(name),
      /password/i.test(name) ? '******' : value,
    ]),
  );
}
