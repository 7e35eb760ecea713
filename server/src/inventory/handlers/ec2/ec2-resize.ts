/** Another size for an instance, step by step: each call looks how things stand and takes the next one. */
import {
  AttachVolumeCommand,
  CreateTagsCommand,
  CreateVolumeCommand,
  DeleteTagsCommand,
  type EC2Client,
  type Instance,
  ModifyInstanceAttributeCommand,
  ModifyVolumeCommand,
  StartInstancesCommand,
  StopInstancesCommand,
} from '@aws-sdk/client-ec2';
import { type Answer, again, done, refused, type SizeChange } from '../handler.js';
import type { Ec2Lookup } from './ec2-lookup.js';
import { DISK_TAG, ON_AGAIN_TAG, only, SERVER_TAG, seenInstance, sizeFor, tagOf } from './ec2-seen.js';

export interface Asking {
  readonly client: EC2Client;
  readonly lookup: Ec2Lookup;
  readonly abortSignal: AbortSignal;
}

export async function resizeInstance(
  asking: Asking,
  instance: Instance,
  change: SizeChange,
): Promise<Answer<null>> {
  for (const step of [changeType, grow, addVolume]) {
    const answer = await step(asking, instance, change);
    if (answer.kind !== 'done') return answer;
  }
  return done(null);
}

/** Another type needs an instance that is off: off, changed, and on again when it was on. */
async function changeType(
  { client, lookup, abortSignal }: Asking,
  instance: Instance,
  { cpus, memoryMb }: SizeChange,
): Promise<Answer<null>> {
  if (cpus === undefined && memoryMb === undefined) return done(null);
  const now = await lookup.sizeOf(instance, abortSignal);
  const wanted = { cpus: cpus ?? now?.cpus ?? 1, memoryMb: memoryMb ?? now?.memoryMb ?? 0 };
  const size = sizeFor(wanted.cpus, wanted.memoryMb);
  if (size === null)
    return refused(`no type of instance has ${wanted.cpus} CPUs and ${wanted.memoryMb} MB of memory`);
  // Of two types of one size the one it has is as good.
  const fits = now !== null && now.cpus === size.cpus && now.memoryMb === size.memoryMb;
  const state = instance.State?.Name;
  const id = instance.InstanceId!;
  if (!fits) {
    if (state === 'running') {
      const Tags = [{ Key: ON_AGAIN_TAG, Value: 'yes' }];
      await client.send(new CreateTagsCommand({ Resources: [id], Tags }), { abortSignal });
      await client.send(new StopInstancesCommand(only(instance)), { abortSignal });
    }
    if (state !== 'stopped') return again(3, `instance ${id} is turned off to be resized`);
    await client.send(
      new ModifyInstanceAttributeCommand({ InstanceId: id, InstanceType: { Value: size.name } }),
      { abortSignal },
    );
    return again(0.5, `instance ${id} is of type ${size.name} now`);
  }
  if (tagOf(instance, ON_AGAIN_TAG) === null) return done(null);
  if (state === 'running') {
    const Tags = [{ Key: ON_AGAIN_TAG }];
    await client.send(new DeleteTagsCommand({ Resources: [id], Tags }), { abortSignal });
    return done(null);
  }
  if (state === 'stopped') await client.send(new StartInstancesCommand(only(instance)), { abortSignal });
  return again(3, `instance ${id} is coming up again`);
}

async function grow(
  { client, lookup, abortSignal }: Asking,
  instance: Instance,
  { grow: wanted }: SizeChange,
): Promise<Answer<null>> {
  if (wanted === undefined) return done(null);
  const { disks } = seenInstance(instance, await lookup.volumesOf(instance, abortSignal), null, '');
  const disk = wanted.disk === '' ? disks[0] : disks.find(({ id }) => id === wanted.disk);
  if (disk === undefined) return refused(`there is no disk ${wanted.disk}`);
  if (disk.gb > wanted.gb) return refused(`disk ${disk.id} has ${disk.gb} GB, and disks only grow`);
  if (disk.gb === wanted.gb) return done(null);
  await client.send(new ModifyVolumeCommand({ VolumeId: disk.id, Size: wanted.gb }), { abortSignal });
  return again(2, `volume ${disk.id} is growing`);
}

async function addVolume(
  { client, lookup, abortSignal }: Asking,
  instance: Instance,
  { add }: SizeChange,
): Promise<Answer<null>> {
  if (add === undefined) return done(null);
  const uuid = tagOf(instance, SERVER_TAG) ?? instance.InstanceId!;
  const [known] = (await lookup.volumes(SERVER_TAG, uuid, abortSignal)).filter(
    (volume) => tagOf(volume, DISK_TAG) === add.id,
  );
  if (known === undefined) {
    await client.send(
      new CreateVolumeCommand({
        AvailabilityZone: instance.Placement?.AvailabilityZone,
        Size: add.gb,
        ClientToken: `${uuid}-${add.id}`.slice(0, 64),
        TagSpecifications: [
          {
            ResourceType: 'volume',
            Tags: [
              { Key: SERVER_TAG, Value: uuid },
              { Key: DISK_TAG, Value: add.id },
            ],
          },
        ],
      }),
      { abortSignal },
    );
    return again(2, 'a volume is being made');
  }
  if (known.Attachments?.some((each) => each.InstanceId === instance.InstanceId)) return done(null);
  if (known.State !== 'available') return again(2, `volume ${known.VolumeId} is ${known.State}`);
  const used = new Set((instance.BlockDeviceMappings ?? []).map(({ DeviceName }) => DeviceName));
  const free = [...'fghijklmnop'].map((letter) => `/dev/sd${letter}`).find((name) => !used.has(name));
  if (free === undefined) return refused('the instance has no room for another volume');
  const { VolumeId } = known;
  await client.send(new AttachVolumeCommand({ InstanceId: instance.InstanceId, VolumeId, Device: free }), {
    abortSignal,
  });
  return again(2, `volume ${VolumeId} is being attached`);
}
