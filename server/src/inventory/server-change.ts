/** A server as it is to be: its size, and the password that is kept for it. */
import { DomainError } from '../errors.js';
import type { TenantId } from '../ids.js';
import type { ServerRequest } from '../plugins/servers/server-keeper.js';
import type { Pool } from '../store/pool.js';
import type { Answer, Call, SeenServer, ServerHands, ServerRef, SizeChange } from './handlers/handler.js';
import { selectDisk } from './server-parts.store.js';
import type { ServerPasswords } from './server-passwords.js';
import { digestOf, number, text } from './server-words.js';
import { type ServerRow, setHasPassword } from './servers.store.js';

export interface ChangeParts {
  readonly pool: Pool;
  readonly passwords: ServerPasswords;
}

/** A server that something is asked of, and whose hands do it. */
export interface ServerAtWork {
  readonly tenant: TenantId;
  readonly server: ServerRow;
  readonly hands: ServerHands;
  readonly call: Call;
  readonly request: ServerRequest;
}

/** What `resize` asks for: sizes first; with `password`, the one that is kept for the server. @throws DomainError `invalid` */
export async function changeServer(
  parts: ChangeParts,
  work: ServerAtWork,
  ref: ServerRef,
): Promise<Answer<SeenServer>> {
  const { password: wanted = false, ...sizes } = work.request.inputs;
  if (wanted !== true) return resize(parts, work, ref);
  const password = await parts.passwords.open(parts.pool, work.server.uid);
  if (password === null) {
    throw new DomainError('invalid', 'password-gone', 'No password is kept for the server');
  }
  if (Object.values(sizes).some((size) => size !== null && size !== '')) {
    const resized = await resize(parts, work, ref);
    if (resized.kind !== 'done') return resized;
  }
  return setPassword(parts, work, ref, password);
}

/** A server that was just built, with the password that it is to have, where it is to have one. */
export async function withKeptPassword(
  parts: ChangeParts,
  work: ServerAtWork,
  ref: ServerRef,
  built: Answer<SeenServer>,
): Promise<Answer<SeenServer>> {
  if (built.kind !== 'done') return built;
  const password = await parts.passwords.open(parts.pool, work.server.uid);
  if (password === null) return built;
  return setPassword(parts, work, { ...ref, providerId: built.value.providerId }, password);
}

async function setPassword(
  { pool }: ChangeParts,
  { tenant, server, hands, call }: ServerAtWork,
  ref: ServerRef,
  password: string,
): Promise<Answer<SeenServer>> {
  const answer = await hands.setPassword(ref, password, call);
  if (answer.kind === 'done') await setHasPassword.run(pool, tenant, [server.uid]);
  return answer;
}

async function resize(
  { pool }: ChangeParts,
  { tenant, server, hands, call, request }: ServerAtWork,
  ref: ServerRef,
): Promise<Answer<SeenServer>> {
  const { inputs } = request;
  const name = text(inputs.disk);
  const gb = number(inputs.disk_gb);
  let grow: SizeChange['grow'];
  if (gb !== null) {
    const disk = name === '' ? null : await selectDisk.one(pool, tenant, [server.uid, name]);
    if (name !== '' && disk === null)
      throw new DomainError('invalid', 'disk-unknown', `There is no disk ${name}`);
    grow = { disk: disk?.providerId ?? '', gb };
  }
  const added = number(inputs.new_disk_gb);
  const cpus = number(inputs.cpus);
  const memoryMb = number(inputs.memory_mb);
  const change: SizeChange = {
    ...(cpus === null ? {} : { cpus }),
    ...(memoryMb === null ? {} : { memoryMb }),
    ...(grow === undefined ? {} : { grow }),
    ...(added === null
      ? {}
      : { add: { id: `disk-${digestOf(request.operationId).slice(0, 8)}`, gb: added } }),
  };
  return hands.resize(ref, change, call);
}
