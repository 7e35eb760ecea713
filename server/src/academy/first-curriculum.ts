/**
 * What there is to learn on a fresh installation: the way through its own four APIs. It is given once, at the first start that
 * finds it not given; what people change of it stays so, and so does its removal.
 */
import type { Callers } from '../identity/callers.js';
import { DEFAULT_TENANT } from '../identity/tenants.js';
import type { Client, Pool } from '../store/pool.js';
import { accompany } from '../store/transaction.js';
import type { Curricula } from './curricula.js';
import { insertGiven, selectGiven } from './curricula.store.js';

const TITLE = 'First steps with Orrery';
const PATH = '/academy/learning-paths/first-steps-with-orrery/';

const STEPS = [
  [
    'Look around',
    'Sign in, make a token of your own, and read what the API reference says of the dialect that you know.',
  ],
  ['Deploy', 'Watch the deployment `hello-world`, scale it, and read its events.'],
  ['Order', 'Order a server from the catalogue, have it approved, and find it among the servers.'],
  [
    'See what is there',
    'Import a Terraform state into a cloud account, mark the account, and ask for its resources.',
  ],
  ['Draw', 'Keep a design in a workspace, share it, and ask for its place in the catalogue.'],
] as const;

/** @returns whether it was given now; nothing is done where there is no first administrator who could */
export async function giveFirstCurriculum({
  pool,
  callers,
  curricula,
}: {
  readonly pool: Pool;
  readonly callers: Pick<Callers, 'actingAs'>;
  readonly curricula: Pick<Curricula, 'create'>;
}): Promise<boolean> {
  const { admin, given } = (await selectGiven.one(pool, [DEFAULT_TENANT]))!;
  if (given || admin === null) return false;
  const caller = await callers.actingAs(admin, DEFAULT_TENANT, 'start');
  const before = async (client: Client) => {
    if ((await insertGiven.one(client, caller.tenant!.id)) === null) throw new GivenMeanwhile();
  };
  try {
    await accompany({ before }, () => curricula.create(caller, FIRST_CURRICULUM));
    return true;
  } catch (error) {
    if (error instanceof GivenMeanwhile) return false;
    throw error;
  }
}

/** Another process was quicker; not a trouble. */
class GivenMeanwhile extends Error {}

const FIRST_CURRICULUM: Parameters<Curricula['create']>[1] = {
  type: 'learning-path',
  title: TITLE,
  visibility: 'public',
  level: 'beginner',
  metadata: {
    title: TITLE,
    description: 'Five short courses, each on what one of the APIs is for.',
    permalink: PATH,
    tags: ['orrery'],
    categories: ['getting-started'],
    children: STEPS.map(([title, description], at) => ({
      id: `step-${at + 1}`,
      title,
      description,
      permalink: `${PATH}step-${at + 1}/`,
      weight: at + 1,
      type: 'course',
      children: [],
    })),
  },
};
