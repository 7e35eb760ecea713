/**
 * What a server handler is: something that makes and keeps servers at one kind of place.
 *
 * A handler is opened on one cloud account, whose settings and secrets it is given, and keeps nothing between calls. It
 * touches the world and says, as data, what came of it: done, ask again later, or failed. It never throws on purpose.
 *
 * Law: every call may happen twice, also at two workers one after the other, because a machine can die between the world
 * and the record. What makes that bearable is the server's uuid, drawn by us before anything is built: building again
 * under one uuid gives the same server, and whatever else is asked for is an end ("off", "4 GB"), not a step. Two calls
 * have an id besides: a reboot (`operationId`) and a snapshot (`SnapshotWish.id`).
 *
 * What every handler must hold to is in `conformance.ts`, as tests.
 */
import type { JsonObject } from '../../dsl/plan.js';

export interface ServerHandler {
  /** Kind of the cloud accounts that it serves, e.g. `local`. */
  readonly kind: string;
  /** For people, e.g. `Amazon Web Services`. */
  readonly technology: string;
  /** Checks what an account says and gives access to its servers. Nothing is contacted. @throws DomainError `invalid` */
  open(access: CloudAccess): ServerHands;
  /** Why servers of an account cannot be given a password, for who wants to give one; null: they can. @throws DomainError `invalid` */
  passwordProblem(access: CloudAccess): string | null;
}

/** A cloud account, as a handler needs it. */
export interface CloudAccess {
  readonly accountId: string;
  readonly settings: JsonObject;
  /** Opened secrets: never logged, never answered. */
  readonly secrets: Readonly<Record<string, string>>;
}

/** What can be done with the servers of one account. */
export interface ServerHands {
  build(wish: ServerWish, call: Call): Promise<Answer<SeenServer>>;
  /** `suspended` fails for good where a handler knows no such state. */
  power(server: ServerRef, to: PowerGoal, call: Call): Promise<Answer<SeenServer>>;
  reboot(server: ServerRef, call: Call): Promise<Answer<SeenServer>>;
  /** Disks only grow. A server that must be off for it is turned off and on again. */
  resize(server: ServerRef, change: SizeChange, call: Call): Promise<Answer<SeenServer>>;
  /** The password of the server's login, instead of the one before. It stands in no answer and in no line of the log. */
  setPassword(server: ServerRef, password: string, call: Call): Promise<Answer<SeenServer>>;
  snapshot(server: ServerRef, wish: SnapshotWish, call: Call): Promise<Answer<SeenSnapshot>>;
  revert(server: ServerRef, snapshot: SnapshotRef, call: Call): Promise<Answer<SeenServer>>;
  /** Done as well when the snapshot is gone already. */
  deleteSnapshot(server: ServerRef, snapshot: SnapshotRef, call: Call): Promise<Answer<null>>;
  /** Ends the server and all that was made for it. Done as well when it is gone already. */
  remove(server: ServerRef, call: Call): Promise<Answer<null>>;
  /** As it is now; null: it is not there. */
  describe(server: ServerRef, call: Call): Promise<Answer<SeenServer | null>>;
  /** Everything that is there, also what others made. */
  list(call: Call): Promise<Answer<readonly SeenServer[]>>;
}

export interface Call {
  /** Stable over attempts of one operation. */
  readonly operationId: string;
  /** Aborted: answer soon, with `aborted`. */
  readonly signal: AbortSignal;
  /** For the job's log; no secrets. */
  log(message: string): void;
}

export type Answer<Value> =
  | { readonly kind: 'done'; readonly value: Value }
  /** It goes on by itself: ask the same again after so many seconds. */
  | { readonly kind: 'again'; readonly after: number; readonly message: string }
  | { readonly kind: 'failed'; readonly retryable: boolean; readonly type: string; readonly message: string }
  | { readonly kind: 'aborted' };

export interface ServerRef {
  /** Ours, drawn before it was built; null: somebody else built it. */
  readonly uuid: string | null;
  /** The handler's own name for it; null: not known (yet). */
  readonly providerId: string | null;
}

export interface ServerWish {
  readonly uuid: string;
  readonly hostname: string;
  /** The handler's name for what it is made of (an AMI, a template); '': the account's default. */
  readonly image: string;
  readonly cpus: number;
  readonly memoryMb: number;
  readonly diskGb: number;
  /** The handler's names of networks, by NIC; none: the account's default. */
  readonly networks: readonly string[];
  /** Login of the first user, where the handler can set one. */
  readonly username: string | null;
  readonly password: string | null;
  /** Run on the server when it comes up, where the handler can. */
  readonly script: string;
  readonly tags: Readonly<Record<string, string>>;
}

export type PowerGoal = 'on' | 'off' | 'suspended';
export type Power = PowerGoal | 'unknown';

/** Absent: as it is. */
export interface SizeChange {
  readonly cpus?: number;
  readonly memoryMb?: number;
  /** A disk that is to have `gb`, by the handler's name; '': the first one. */
  readonly grow?: { readonly disk: string; readonly gb: number };
  /** One more disk; `id` is ours and makes that it is added once. */
  readonly add?: { readonly id: string; readonly gb: number };
}

export interface SnapshotWish {
  /** Ours. */
  readonly id: string;
  readonly name: string;
}

export interface SnapshotRef {
  readonly id: string;
  readonly providerId: string;
}

export interface SeenSnapshot {
  readonly providerId: string;
  readonly bytes: number | null;
}

export interface SeenServer {
  readonly providerId: string;
  /** Ours, where the server carries it; else null. */
  readonly uuid: string | null;
  readonly hostname: string;
  readonly power: Power;
  readonly ip: string;
  readonly privateIp: string;
  /** Where it answers over HTTP, if it does; null: not known. */
  readonly port: number | null;
  readonly mac: string;
  readonly cpus: number;
  readonly memoryMb: number;
  readonly disks: readonly SeenDisk[];
  readonly nics: readonly SeenNic[];
  readonly region: string;
  /** e.g. `Linux`; '': not known. */
  readonly osFamily: string;
  /** What else is worth showing; no secrets. */
  readonly facts: JsonObject;
}

export interface SeenDisk {
  /** The handler's own name. */
  readonly id: string;
  readonly name: string;
  readonly gb: number;
  readonly datastore: string;
  readonly provisioning: string;
}

export interface SeenNic {
  readonly network: string;
  readonly mac: string;
  readonly ip: string;
  readonly privateIp: string;
}

export function done<Value>(value: Value): Answer<Value> {
  return { kind: 'done', value };
}

export function again(after: number, message: string): Answer<never> {
  return { kind: 'again', after, message };
}

/** No retry helps. */
export function refused(message: string, type = 'NonRecoverableError'): Answer<never> {
  return { kind: 'failed', retryable: false, type, message };
}

/** What this kind of place has no notion of. */
export const NOT_SUPPORTED = 'NotSupportedError';

export function unsupported(message: string): Answer<never> {
  return refused(message, NOT_SUPPORTED);
}

/** Another try may help. */
export function troubled(message: string, type = 'RecoverableError'): Answer<never> {
  return { kind: 'failed', retryable: true, type, message };
}

export const ABORTED: Answer<never> = { kind: 'aborted' };
