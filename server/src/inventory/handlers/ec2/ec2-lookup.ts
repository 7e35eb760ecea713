/** What EC2 is asked, page by page. */
import {
  DescribeImagesCommand,
  DescribeInstancesCommand,
  DescribeInstanceTypesCommand,
  DescribeSnapshotsCommand,
  DescribeVolumesCommand,
  type EC2Client,
  type Filter,
  type Instance,
  type Snapshot,
  type Volume,
} from '@aws-sdk/client-ec2';
import type { ServerRef } from '../handler.js';
import { type InstanceSize, isGone, SERVER_TAG, SIZES } from './ec2-seen.js';
import { isNotFound } from './ec2-trouble.js';

export interface RootDevice {
  readonly device: string;
  readonly gb: number;
}

/** Instances of one page. */
const PAGE = 500;
const LIVING = ['pending', 'running', 'stopping', 'stopped'];

export class Ec2Lookup {
  readonly #client: EC2Client;
  readonly #sizes = new Map<string, InstanceSize | null>(SIZES.map((size) => [size.name, size]));

  constructor(client: EC2Client) {
    this.#client = client;
  }

  /** By EC2's id where it is known, else by our tag; a living one before one that is gone. */
  async find({ uuid, providerId }: ServerRef, abortSignal: AbortSignal): Promise<Instance | null> {
    if (providerId !== null) {
      try {
        const answer = await this.#client.send(new DescribeInstancesCommand({ InstanceIds: [providerId] }), {
          abortSignal,
        });
        return answer.Reservations?.[0]?.Instances?.[0] ?? null;
      } catch (error) {
        if (isNotFound(error)) return null;
        throw error;
      }
    }
    if (uuid === null) return null;
    const found = await this.#instances([{ Name: `tag:${SERVER_TAG}`, Values: [uuid] }], abortSignal);
    return found.find((one) => !isGone(one)) ?? found[0] ?? null;
  }

  /** All that live. */
  all(abortSignal: AbortSignal): Promise<Instance[]> {
    return this.#instances([{ Name: 'instance-state-name', Values: LIVING }], abortSignal);
  }

  volumesOf({ InstanceId }: Instance, abortSignal: AbortSignal): Promise<Volume[]> {
    return this.#volumes([{ Name: 'attachment.instance-id', Values: [InstanceId ?? '-'] }], abortSignal);
  }

  volumes(tag: string, value: string, abortSignal: AbortSignal): Promise<Volume[]> {
    return this.#volumes([{ Name: `tag:${tag}`, Values: [value] }], abortSignal);
  }

  async volumesByInstance(abortSignal: AbortSignal): Promise<Map<string, Volume[]>> {
    const all = await this.#volumes([{ Name: 'attachment.status', Values: ['attached'] }], abortSignal);
    const byInstance = new Map<string, Volume[]>();
    for (const volume of all) {
      for (const { InstanceId } of volume.Attachments ?? []) {
        if (InstanceId === undefined) continue;
        byInstance.set(InstanceId, [...(byInstance.get(InstanceId) ?? []), volume]);
      }
    }
    return byInstance;
  }

  async snapshots(tag: string, value: string, abortSignal: AbortSignal): Promise<Snapshot[]> {
    const answer = await this.#client.send(
      new DescribeSnapshotsCommand({
        OwnerIds: ['self'],
        Filters: [{ Name: `tag:${tag}`, Values: [value] }],
      }),
      { abortSignal },
    );
    return answer.Snapshots ?? [];
  }

  /** The disk that an image comes up from; null: EC2 does not say. */
  async rootOf(image: string, abortSignal: AbortSignal): Promise<RootDevice | null> {
    const answer = await this.#client.send(new DescribeImagesCommand({ ImageIds: [image] }), { abortSignal });
    const found = answer.Images?.[0];
    const device = found?.RootDeviceName;
    if (device === undefined) return null;
    const mapping = found?.BlockDeviceMappings?.find(({ DeviceName }) => DeviceName === device);
    return { device, gb: mapping?.Ebs?.VolumeSize ?? 0 };
  }

  /** What its type has; null: EC2 does not say. */
  async sizeOf({ InstanceType: type }: Instance, abortSignal: AbortSignal): Promise<InstanceSize | null> {
    if (type === undefined) return null;
    const known = this.#sizes.get(type);
    if (known !== undefined) return known;
    const answer = await this.#client.send(new DescribeInstanceTypesCommand({ InstanceTypes: [type] }), {
      abortSignal,
    });
    const found = answer.InstanceTypes?.[0];
    const size =
      found === undefined
        ? null
        : {
            name: type,
            cpus: found.VCpuInfo?.DefaultVCpus ?? 0,
            memoryMb: found.MemoryInfo?.SizeInMiB ?? 0,
          };
    this.#sizes.set(type, size);
    return size;
  }

  async #instances(Filters: Filter[], abortSignal: AbortSignal): Promise<Instance[]> {
    const found: Instance[] = [];
    let NextToken: string | undefined;
    do {
      const answer = await this.#client.send(
        new DescribeInstancesCommand({ Filters, MaxResults: PAGE, ...(NextToken ? { NextToken } : {}) }),
        { abortSignal },
      );
      found.push(...(answer.Reservations ?? []).flatMap(({ Instances = [] }) => Instances));
      NextToken = answer.NextToken;
    } while (NextToken);
    return found;
  }

  async #volumes(Filters: Filter[], abortSignal: AbortSignal): Promise<Volume[]> {
    const found: Volume[] = [];
    let NextToken: string | undefined;
    do {
      const answer = await this.#client.send(
        new DescribeVolumesCommand({ Filters, MaxResults: PAGE, ...(NextToken ? { NextToken } : {}) }),
        { abortSignal },
      );
      found.push(...(answer.Volumes ?? []));
      NextToken = answer.NextToken;
    } while (NextToken);
    return found;
  }
}
