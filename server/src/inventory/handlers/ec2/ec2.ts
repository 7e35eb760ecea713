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
  type _InstanceType,
  CreateSnapshotCommand,
  DeleteSnapshotCommand,
  DeleteVolumeCommand,
  EC2Client,
  type EC2ClientConfig,
  type Instance,
  RebootInstancesCommand,
  RunInstancesCommand,
  StartInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
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
  type ServerHands,
  type ServerRef,
  type ServerWish,
  type SizeChange,
  type SnapshotRef,
  type SnapshotWish,
  unsupported,
} from '../handler.js';
import { Ec2Lookup, type RootDevice } from './ec2-lookup.js';
import { resizeInstance } from './ec2-resize.js';
import { isGone, only, SERVER_TAG, SNAPSHOT_TAG, seenInstance, sizeFor } from './ec2-seen.js';
import { EC2_PASSWORDS, type Ec2Settings } from './ec2-settings.js';
import { ec2Trouble } from './ec2-trouble.js';

export function ec2Servers(config: EC2ClientConfig, settings: Ec2Settings): ServerHands {
  return new Ec2Servers(new EC2Client(config), settings);
}

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
      if (instance !== null && isGone(instance))
        return refused('the instance was terminated while it was built');
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
    if (to === 'suspended') return Promise.resolve(unsupported('servers in EC2 cannot be suspended'));
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
      const answer = await resizeInstance(
        { client: this.#client, lookup: this.#lookup, abortSignal },
        instance,
        change,
      );
      return answer.kind === 'done' ? this.#again(instance, abortSignal) : answer;
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
    return Promise.resolve(unsupported('servers in EC2 cannot go back to a snapshot here'));
  }

  setPassword(): Promise<Answer<SeenServer>> {
    return Promise.resolve(unsupported(EC2_PASSWORDS));
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

  async #power(instance: Instance, to: 'on' | 'off', abortSignal: AbortSignal): Promise<Answer<SeenServer>> {
    const state = instance.State?.Name;
    if (state === (to === 'on' ? 'running' : 'stopped')) return done(await this.#seen(instance, abortSignal));
    if (to === 'on' && state === 'stopped')
      await this.#client.send(new StartInstancesCommand(only(instance)), { abortSignal });
    if (to === 'off' && state === 'running')
      await this.#client.send(new StopInstancesCommand(only(instance)), { abortSignal });
    return again(3, `instance ${instance.InstanceId} is on its way ${to === 'on' ? 'up' : 'down'}`);
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
