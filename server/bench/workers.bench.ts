/**
 * workers --workers 1,2,3 --deployments 45 --instances 20 --operations 10: installs whose operations sleep for 50 ms, so many for each
 * of one, two and three worker processes on one PostgreSQL, each with room for so many operations at once.
 *
 * Each worker has some work before the clock runs, so that none is timed while its code is first compiled. All installs are
 * asked for at once. `operations/s` has all of it: asking, the first claims, and the last operations, when some room is empty. `in the
 * middle` has the ends of operations between the first and the last quarter, as the database has them.
 *
 * Limit: the operations' own time, with all room in use and nothing else to be done.
 */
import { familyTime } from './processor.js';
import { aWorkerProcess, ended, head, upload } from './running.js';
import { aStand, numbers, report } from './stand.js';

const SLEEP = 0.05;
const OPERATION = `{implementation: simulated.operations.delay, inputs: {seconds: {default: ${SLEEP}}}}`;
/** Of each worker, before the clock runs. */
const WARMING = 4;

const given = numbers({ workers: '1,2,3', deployments: '45', instances: '20', operations: '10' });
const [deployments, instances, room] = [given.deployments[0]!, given.instances[0]!, given.operations[0]!];
const stand = await aStand();
await stand.core.signals.listen();
await upload(
  stand,
  'sleepers',
  `${head(OPERATION)}  sleeper: {type: bench.Thing, instances: {deploy: ${instances}}}\n`,
);

async function deploy(prefix: string, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, n) => `${prefix}-${n}`);
  for (const id of ids) await stand.core.deployments.create(stand.admin, { id, blueprintId: 'sleepers' });
  return ids;
}

async function install(ids: readonly string[]): Promise<void> {
  const started = await Promise.all(
    ids.map((deploymentId) =>
      stand.core.executions.start(stand.admin, { deploymentId, workflow: 'install' }),
    ),
  );
  const ends = await Promise.all(started.map(({ id }) => ended(stand, id)));
  if (ends.some((end) => end !== 'terminated')) throw new Error(ends.join(' '));
}

/** Ends of operations a second, of the middle half of those of the deployments. */
async function middleRate(prefix: string): Promise<number> {
  const { rows } = await stand.pool.query<{ at: number }>(
    `select extract(epoch from p.ended_at)::double precision as at from operations p
     join executions x on x.uid = p.execution_uid join deployments d on d.uid = x.deployment_uid
     where d.id like $1 and x.workflow = 'install' and p.attempt > 0 order by p.ended_at`,
    [`${prefix}-%`],
  );
  const [from, to] = [Math.floor(rows.length / 4), Math.floor((3 * rows.length) / 4)];
  return (to - from) / (rows[to]!.at - rows[from]!.at);
}

const batches = async () =>
  (await stand.pool.query<{ sum: number }>('select sum(batches)::integer as sum from executions')).rows[0]!
    .sum;

const rows = [];
let one: { rate: number; middle: number } | null = null;
for (const count of given.workers) {
  const workers = [];
  for (let n = 0; n < count; n += 1)
    workers.push(await aWorkerProcess(stand, `bench-${count}-${n}`, room, [], false));
  await install(await deploy(`w${count}`, WARMING * count));
  const ids = await deploy(`d${count}`, deployments * count);
  const [written, spent] = [await batches(), familyTime(stand.postmaster)];
  const from = performance.now();
  await install(ids);
  const seconds = (performance.now() - from) / 1000;
  const operations = deployments * count * instances * 3;
  const postgres = familyTime(stand.postmaster) - spent;
  const rate = operations / seconds;
  const middle = await middleRate(`d${count}`);
  one ??= { rate, middle };
  rows.push({
    workers: count,
    seconds,
    'operations/s': rate,
    'times one': rate / one.rate,
    'in the middle': middle,
    'times one, in the middle': middle / one.middle,
    'limit: operations/s': (count * room) / SLEEP,
    'batches an operation': ((await batches()) - written) / operations,
    'PostgreSQL, ms an operation': (postgres * 1000) / operations,
  });
  for (const worker of workers) await worker.stop();
}
await stand.close();
report('workers', rows, [
  `${deployments} installs for each worker, of ${instances} instances, three operations of ${SLEEP * 1000} ms each; ${room} at once in a worker`,
]);
