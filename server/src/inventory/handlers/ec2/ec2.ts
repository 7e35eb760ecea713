/**
 * Servers in Amazon EC2, or wherever its API is spoken.
 *
 * Always holds: an instance carries our uuid as a tag from the request that makes it, and that request carries the uuid as
 * its client token; so it is found by its tag, and made once. Nothing waits in here: what takes time answers "again", and
 * each call looks at how things stand and takes the next step. Retries, pauses and deadlines are the engine's.
 *
 * Not offered: suspending (hibernation has to be prepared when an instance is made), and going back to a snapshot.
 */
import {
  AttachVolumeCommand,
  CreateSnapshotCommand,
  CreateTagsCommand,
  CreateVolumeCommand,
  DeleteSnapshotCommand,
  DeleteTagsCommand,
  DeleteVolumeCommand,
  type _InstanceType,
  type EC2Client,
  type Instance,
  ModifyInstanceAttributeCommand,
  ModifyVolumeCommand,
  RebootInstancesCommand,
  RunInstancesCommand,
  StartInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import type { Allowlist } from '../../../net/allowlist.js';
import {
  ABORTED,
  type Answer,
  again,
  type Call,
  done,
  type PowerGoal,
  refused,
  type SeenServer,
  type SeenSnapshot,
  type ServerHandler,
  type ServerHands,
  type ServerRef,
  type ServerWish,
  type SizeChange,
  type SnapshotRef,
  type SnapshotWish,
} from '../handler.js';
import { type Ec2Settings, ec2Client, ec2Trouble, readEc2Settings } from './ec2-access.js';
import { Ec2Lookup, type RootDevice } from './ec2-lookup.js';
import {
  DISK_TAG,
  isGone,
  ON_AGAIN_TAG,
  SERVER_TAG,
  SNAPSHOT_TAG,
  seenInstance,
  sizeFor,
  tagOf,
} from './ec2-seen.js';

export function createEc2Handler({ allowlist }: { readonly allowlist: Allowlist }): ServerHandler {
  return {
    kind: 'aws',
    technology: 'Amazon Web Services',
    open: (access) => {
      const settings = readEc2Settings(access.settings);
      return new Ec2Servers(ec2Client(settings, access, allowlist), settings);
    },
  };
}

type Work<Value> = (instance: Instance) => Promise<Answer<Value>>;

class Ec2Servers implements ServerHands {
  readonly #client: EC2Client;
  readonly #settings: Ec2Settings;
  readonly #lookup: Ec2Lookup;

  constructor(client: EC2Client, settings: Ec2Settings) {
    this.#client = client;
    this.#settings = settings;
    this.#lookup = new Ec2Lookup(client);
  }

  build(wish: ServerWish, call: Call): Promise<Answer<SeenServer>> {
    return this.#asking(call, async (abortSignal) => {
      let instance = await this.#lookup.find({ uuid: wish.uuid, providerId: null }, abortSignal);
      if (instance !== null && isGone(instance)) return refused('the instance was terminated while it was built');
      if (instance === null) {
        const size = sizeFor(wish.cpus, wish.memoryMb);
        if (size === null)
          return refused(`no type of instance has ${wish.cpus} CPUs and ${wish.memoryMb} MB of memory`);
        const image = wish.image || this.#settings.image;
        if (image === '') return refused('no image is named, and the cloud account has no default one');
        const root = await this.#lookup.rootOf(image, abortSignal);
        const request = this.#runInstances(wish, image, size.name, root);
        const made = await this.#client.send(request, { abortSignal });
        instance = made.Instances?.[0] ?? null;
        if (instance === null) return again(2, 'EC2 accepted the instance and does not show it yet');
        call.log(`Instance ${instance.InstanceId} of type ${size.name}`);
      }
      if (instance.State?.Name === 'stopped') {
        await this.#client.send(new StartInstancesCommand(only(instance)), { abortSignal });
        return again(3, `instance ${instance.InstanceId} is coming up`);
      }
      if (instance.State?.Name !== 'running')
        return again(3, `instance ${instance.InstanceId} is ${instance.State?.Name}`);
      return done(await this.#seen(instance, abortSignal));
    });
  }

  power(server: ServerRef, to: PowerGoal, call: Call): Promise<Answer<SeenServer>> {
    if (to === 'suspended') return Promise.resolve(refused('servers in EC2 cannot be suspended'));
    return this.#with(server, call, (instance, abortSignal) => this.#power(instance, to, abortSignal));
  }

  reboot(server: ServerRef, call: Call): Promise<Answer<SeenServer>> {
    return this.#with(server, call, async (instance, abortSignal) => {
      if (instance.State?.Name !== 'running') return this.#power(instance, 'on', abortSignal);
      await this.#client.send(new RebootInstancesCommand(only(instance)), { abortSignal });
      return done(await this.#seen(instance, abortSignal));
    });
  }

  resize(server: ServerRef, change: SizeChange, call: Call): Promise<Answer<SeenServer>> {
    return this.#with(server, call, async (instance, abortSignal) => {
      const steps: Work<null>[] = [
        (one) => this.#changeType(one, change, abortSignal),
        (one) => this.#grow(one, change, abortSignal),
        (one) => this.#add(one, change, abortSignal),
      ];
      for (const step of steps) {
        const answer = await step(instance);
        if (answer.kind !== 'done') return answer;
      }
      return this.#again(instance, abortSignal);
    });
  }

  snapshot(server: ServerRef, wish: SnapshotWish, call: Call): Promise<Answer<SeenSnapshot>> {
    return this.#with<SeenSnapshot>(server, call, async (instance, abortSignal) => {
      const taken = await this.#lookup.snapshots(SNAPSHOT_TAG, wish.id, abortSignal);
      const volumes = await this.#lookup.volumesOf(instance, abortSignal);
      for (const { VolumeId } of volumes) {
        if (taken.some((each) => each.VolumeId === VolumeId)) continue;
        const made = await this.#client.send(
          new CreateSnapshotCommand({
            VolumeId,
            Description: wish.name,
            TagSpecifications: [
              {
                ResourceType: 'snapshot',
                Tags: [
                  { Key: SNAPSHOT_TAG, Value: wish.id },
                  { Key: SERVER_TAG, Value: server.uuid ?? instance.InstanceId },
                  { Key: 'Name', Value: wish.name },
                ],
              },
            ],
          }),
          { abortSignal },
        );
        taken.push(made);
      }
      if (taken.some(({ State }) => State === 'error')) return refused('EC2 could not take the snapshot');
      if (taken.some(({ State }) => State !== 'completed')) return again(5, 'the snapshot is being taken');
      const sizes = taken.map(({ VolumeSize = 0 }) => VolumeSize * 1024 ** 3);
      const providerId = taken.map(({ SnapshotId }) => SnapshotId).sort()[0];
      return done({ providerId: providerId ?? '', bytes: sizes.reduce((sum, bytes) => sum + bytes, 0) });
    });
  }

  revert(): Promise<Answer<SeenServer>> {
    return Promise.resolve(refused('servers in EC2 cannot go back to a snapshot here'));
  }

  deleteSnapshot(_server: ServerRef, { id }: SnapshotRef, call: Call): Promise<Answer<null>> {
    return this.#asking(call, async (abortSignal) => {
      for (const { SnapshotId } of await this.#lookup.snapshots(SNAPSHOT_TAG, id, abortSignal)) {
        await this.#client.send(new DeleteSnapshotCommand({ SnapshotId }), { abortSignal });
      }
      return done(null);
    });
  }

  remove(server: ServerRef, call: Call): Promise<Answer<null>> {
    return this.#asking(call, async (abortSignal) => {
      const instance = await this.#lookup.find(server, abortSignal);
      if (instance !== null && !isGone(instance)) {
        await this.#client.send(new TerminateInstancesCommand(only(instance)), { abortSignal });
        return again(3, `instance ${instance.InstanceId} is being terminated`);
      }
      if (instance?.State?.Name === 'shutting-down')
        return again(3, `instance ${instance.InstanceId} is shutting down`);
      if (server.uuid === null) return done(null);
      // What was made for it besides: disks that were added, and snapshots.
      for (const { VolumeId, State } of await this.#lookup.volumes(SERVER_TAG, server.uuid, abortSignal)) {
        if (State === 'in-use') return again(3, `volume ${VolumeId} is still attached`);
        if (State === 'available')
          await this.#client.send(new DeleteVolumeCommand({ VolumeId }), { abortSignal });
      }
      for (const { SnapshotId } of await this.#lookup.snapshots(SERVER_TAG, server.uuid, abortSignal)) {
        await this.#client.send(new DeleteSnapshotCommand({ SnapshotId }), { abortSignal });
      }
      return done(null);
    });
  }

  describe(server: ServerRef, call: Call): Promise<Answer<SeenServer | null>> {
    return this.#asking(call, async (abortSignal) => {
      const instance = await this.#lookup.find(server, abortSignal);
      if (instance === null || isGone(instance)) return done(null);
      return done(await this.#seen(instance, abortSignal));
    });
  }

  list(call: Call): Promise<Answer<readonly SeenServer[]>> {
    return this.#asking(call, async (abortSignal) => {
      const instances = await this.#lookup.all(abortSignal);
      const volumes = await this.#lookup.volumesByInstance(abortSignal);
      const servers: SeenServer[] = [];
      for (const instance of instances) {
        const size = await this.#lookup.sizeOf(instance, abortSignal);
        const own = volumes.get(instance.InstanceId ?? '') ?? [];
        servers.push(seenInstance(instance, own, size, this.#settings.region));
      }
      return done(servers);
    });
  }

  async #power(
    instance: Instance,
    to: 'on' | 'off',
    abortSignal: AbortSignal,
  ): Promise<Answer<SeenServer>> {
    const state = instance.State?.Name;
    if (state === (to === 'on' ? 'running' : 'stopped')) return done(await this.#seen(instance, abortSignal));
    if (to === 'on' && state === 'stopped')
      await this.#client.send(new StartInstancesCommand(only(instance)), { abortSignal });
    if (to === 'off' && state === 'running')
      await this.#client.send(new StopInstancesCommand(only(instance)), { abortSignal });
    return again(3, `instance ${instance.InstanceId} is on its way ${to === 'on' ? 'up' : 'down'}`);
  }

  /** Another type needs an instance that is off: off, changed, and on again when it was on. */
  async #changeType(
    instance: Instance,
    { cpus, memoryMb }: SizeChange,
    abortSignal: AbortSignal,
  ): Promise<Answer<null>> {
    if (cpus === undefined && memoryMb === undefined) return done(null);
    const now = await this.#lookup.sizeOf(instance, abortSignal);
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
        await this.#client.send(new CreateTagsCommand({ Resources: [id], Tags }), { abortSignal });
        await this.#client.send(new StopInstancesCommand(only(instance)), { abortSignal });
      }
      if (state !== 'stopped') return again(3, `instance ${id} is turned off to be resized`);
      await this.#client.send(
        new ModifyInstanceAttributeCommand({ InstanceId: id, InstanceType: { Value: size.name } }),
        { abortSignal },
      );
      return again(0.5, `instance ${id} is of type ${size.name} now`);
    }
    if (tagOf(instance, ON_AGAIN_TAG) === null) return done(null);
    if (state === 'running') {
      const Tags = [{ Key: ON_AGAIN_TAG }];
      await this.#client.send(new DeleteTagsCommand({ Resources: [id], Tags }), { abortSignal });
      return done(null);
    }
    if (state === 'stopped')
      await this.#client.send(new StartInstancesCommand(only(instance)), { abortSignal });
    return again(3, `instance ${id} is coming up again`);
  }

  async #grow(instance: Instance, { grow }: SizeChange, abortSignal: AbortSignal): Promise<Answer<null>> {
    if (grow === undefined) return done(null);
    const { disks } = await this.#seen(instance, abortSignal);
    const disk = grow.disk === '' ? disks[0] : disks.find(({ id }) => id === grow.disk);
    if (disk === undefined) return refused(`there is no disk ${grow.disk}`);
    if (disk.gb > grow.gb) return refused(`disk ${disk.id} has ${disk.gb} GB, and disks only grow`);
    if (disk.gb === grow.gb) return done(null);
    await this.#client.send(new ModifyVolumeCommand({ VolumeId: disk.id, Size: grow.gb }), { abortSignal });
    return again(2, `volume ${disk.id} is growing`);
  }

  async #add(instance: Instance, { add }: SizeChange, abortSignal: AbortSignal): Promise<Answer<null>> {
    if (add === undefined) return done(null);
    const uuid = tagOf(instance, SERVER_TAG) ?? instance.InstanceId!;
    const [known] = (await this.#lookup.volumes(SERVER_TAG, uuid, abortSignal)).filter(
      (volume) => tagOf(volume, DISK_TAG) === add.id,
    );
    if (known === undefined) {
      await this.#client.send(
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
    await this.#client.send(
      new AttachVolumeCommand({ InstanceId: instance.InstanceId, VolumeId, Device: free }),
      { abortSignal },
    );
    return again(2, `volume ${VolumeId} is being attached`);
  }

  #runInstances(wish: ServerWish, image: string, type: string, root: RootDevice | null): RunInstancesCommand {
    const { subnet, keyName, securityGroups } = this.#settings;
    const tags = { ...wish.tags, Name: wish.hostname, [SERVER_TAG]: wish.uuid };
    const network = wish.networks[0] ?? subnet;
    return new RunInstancesCommand({
      ClientToken: wish.uuid,
      MinCount: 1,
      MaxCount: 1,
      ImageId: image,
      InstanceType: type as _InstanceType,
      ...(root === null
        ? {}
        : {
            BlockDeviceMappings: [
              {
                DeviceName: root.device,
                // An image does not fit onto a disk that is smaller than its own.
                Ebs: { VolumeSize: Math.max(wish.diskGb, root.gb), DeleteOnTermination: true },
              },
            ],
          }),
      ...(network === '' ? {} : { SubnetId: network }),
      ...(keyName === '' ? {} : { KeyName: keyName }),
      ...(securityGroups.length === 0 ? {} : { SecurityGroupIds: [...securityGroups] }),
      ...(wish.script === '' ? {} : { UserData: Buffer.from(wish.script).toString('base64') }),
      TagSpecifications: [
        {
          ResourceType: 'instance',
          Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
        },
      ],
    });
  }

  async #again(instance: Instance, abortSignal: AbortSignal): Promise<Answer<SeenServer>> {
    const ref = { uuid: null, providerId: instance.InstanceId ?? null };
    const fresh = await this.#lookup.find(ref, abortSignal);
    return done(await this.#seen(fresh ?? instance, abortSignal));
  }

  async #seen(instance: Instance, abortSignal: AbortSignal): Promise<SeenServer> {
    const volumes = await this.#lookup.volumesOf(instance, abortSignal);
    const size = await this.#lookup.sizeOf(instance, abortSignal);
    return seenInstance(instance, volumes, size, this.#settings.region);
  }

  /** Work on an instance that is there. */
  #with<Value>(
    server: ServerRef,
    call: Call,
    work: (instance: Instance, abortSignal: AbortSignal) => Promise<Answer<Value>>,
  ): Promise<Answer<Value>> {
    return this.#asking(call, async (abortSignal) => {
      const instance = await this.#lookup.find(server, abortSignal);
      if (instance === null || isGone(instance)) return refused('there is no such instance in EC2');
      return work(instance, abortSignal);
    });
  }

  async #asking<Value>(
    { signal }: Call,
    work: (abortSignal: AbortSignal) => Promise<Answer<Value>>,
  ): Promise<Answer<Value>> {
    if (signal.aborted) return ABORTED;
    try {
      return await work(signal);
    } catch (error) {
      return signal.aborted ? ABORTED : ec2Trouble(error);
    }
  }
}

function only({ InstanceId }: Instance): { InstanceIds: string[] } {
  return { InstanceIds: [InstanceId ?? ''] };
}
