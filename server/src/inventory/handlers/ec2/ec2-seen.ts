/** EC2's instances in our words, and sizes as types of instances. */
import type { Instance, Volume } from '@aws-sdk/client-ec2';
import type { Power, SeenServer } from '../handler.js';

/** Tags of ours. */
export const SERVER_TAG = 'orrery:server';
export const SNAPSHOT_TAG = 'orrery:snapshot';
export const DISK_TAG = 'orrery:disk';
/** On an instance that was turned off to be resized: it is to be on again. */
export const ON_AGAIN_TAG = 'orrery:on-again';

export interface InstanceSize {
  readonly name: string;
  readonly cpus: number;
  readonly memoryMb: number;
}

/** What is chosen from: the smallest that has enough of both, in this order. */
export const SIZES: readonly InstanceSize[] = [
  ['t3.nano', 2, 0.5],
  ['t3.micro', 2, 1],
  ['t3.small', 2, 2],
  ['t3.medium', 2, 4],
  ['t3.large', 2, 8],
  ['m5.large', 2, 8],
  ['r5.large', 2, 16],
  ['c5.xlarge', 4, 8],
  ['t3.xlarge', 4, 16],
  ['m5.xlarge', 4, 16],
  ['r5.xlarge', 4, 32],
  ['c5.2xlarge', 8, 16],
  ['t3.2xlarge', 8, 32],
  ['m5.2xlarge', 8, 32],
  ['r5.2xlarge', 8, 64],
  ['m5.4xlarge', 16, 64],
  ['r5.4xlarge', 16, 128],
  ['m5.8xlarge', 32, 128],
  ['r5.8xlarge', 32, 256],
  ['m5.12xlarge', 48, 192],
  ['m5.16xlarge', 64, 256],
  ['m5.24xlarge', 96, 384],
].map(([name, cpus, gb]) => ({
  name: name as string,
  cpus: cpus as number,
  memoryMb: (gb as number) * 1024,
}));

/** The smallest type that has enough; null: there is none. */
export function sizeFor(cpus: number, memoryMb: number): InstanceSize | null {
  return SIZES.find((size) => size.cpus >= cpus && size.memoryMb >= memoryMb) ?? null;
}

const POWER: Readonly<Record<string, Power>> = {
  pending: 'on',
  running: 'on',
  stopping: 'off',
  stopped: 'off',
  'shutting-down': 'off',
  terminated: 'off',
};

export function isGone({ State }: Instance): boolean {
  return State?.Name === 'terminated' || State?.Name === 'shutting-down';
}

export function tagOf({ Tags }: { Tags?: Instance['Tags'] }, key: string): string | null {
  return Tags?.find((tag) => tag.Key === key)?.Value ?? null;
}

export function seenInstance(
  instance: Instance,
  volumes: readonly Volume[],
  size: InstanceSize | null,
  region: string,
): SeenServer {
  const privateIp = instance.PrivateIpAddress ?? '';
  const ip = instance.PublicIpAddress ?? '';
  const nics = instance.NetworkInterfaces ?? [];
  const root = instance.RootDeviceName;
  const mounts = new Map(
    (instance.BlockDeviceMappings ?? []).map((each) => [each.Ebs?.VolumeId, each.DeviceName]),
  );
  const disks = [...volumes].sort(
    (a, b) => Number(mounts.get(b.VolumeId) === root) - Number(mounts.get(a.VolumeId) === root),
  );
  return {
    providerId: instance.InstanceId ?? '',
    uuid: tagOf(instance, SERVER_TAG),
    hostname: tagOf(instance, 'Name') || instance.PrivateDnsName?.split('.')[0] || instance.InstanceId || '',
    power: POWER[instance.State?.Name ?? ''] ?? 'unknown',
    ip: ip === '' ? privateIp : ip,
    privateIp,
    port: null,
    mac: nics[0]?.MacAddress ?? '',
    cpus: size?.cpus ?? instance.CpuOptions?.CoreCount ?? 0,
    memoryMb: size?.memoryMb ?? 0,
    disks: disks.map((volume) => ({
      id: volume.VolumeId ?? '',
      name: tagOf(volume, DISK_TAG) ?? mounts.get(volume.VolumeId) ?? volume.VolumeId ?? '',
      gb: volume.Size ?? 0,
      datastore: volume.AvailabilityZone ?? '',
      provisioning: volume.VolumeType ?? '',
    })),
    nics:
      nics.length > 0
        ? nics.map((nic) => ({
            network: nic.SubnetId ?? '',
            mac: nic.MacAddress ?? '',
            ip: nic.Association?.PublicIp ?? nic.PrivateIpAddress ?? '',
            privateIp: nic.PrivateIpAddress ?? '',
          }))
        : [{ network: instance.SubnetId ?? '', mac: '', ip: ip || privateIp, privateIp }],
    region,
    osFamily: instance.Platform === 'Windows' ? 'Windows' : 'Linux',
    facts: {
      instance_type: instance.InstanceType ?? null,
      image: instance.ImageId ?? null,
      availability_zone: instance.Placement?.AvailabilityZone ?? null,
      vpc: instance.VpcId ?? null,
      subnet: instance.SubnetId ?? null,
      key_name: instance.KeyName ?? null,
      launched_at: instance.LaunchTime?.toISOString() ?? null,
    },
  };
}

export function only({ InstanceId }: Instance): { InstanceIds: string[] } {
  return { InstanceIds: [InstanceId ?? ''] };
}
