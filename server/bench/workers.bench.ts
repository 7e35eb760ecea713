/**
 * workers --workers 1,2,3 --deployments 60 --instances 20 --operations 10: installs of so many deployments whose operations sleep
 * for 50 ms, by one, two and three worker processes on one PostgreSQL, each with room for so many operations at once.
 *
 * Limit: the operations' own time, with all room in use and nothing else to be done.
 */
import { aWorkerProcess, ended, head, upload } from './running.js';
import { aStand, numbers, report } from './stand.js';

const SLEEP = 0.05;
const OPERATION = `{implementation: simulated.operations.delay, inputs: {seconds: {default: ${SLEEP}}}}`;

const given = numbers({ workers: '1,2,3', deployments: '60', instances: '20', operations: '10' });
const [deployments, instances, room] = [given.deployments[0]!, given.instances[0]!, given.operations[0]!];
const stand = await aStand();
await stand.core.signals.listen();
await upload(
  stand,
  'sleepers',
  `${head(OPERATION)}  sleeper: {type: bench.Thing, instances: {deploy: ${instances}}}\n`,
);
const rows = [];
let one = Number.NaN;
for (const count of given.workers) {
  const workers = [];
  for (let n = 0; n < count; n += 1) workers.push(await aWorkerProcess(stand, `bench-${count}-${n}`, room));
  const ids = Array.from({ length: deployments }, (_, n) => `d${count}-${n}`);
  for (const id of ids) await stand.core.deployments.create(stand.admin, { id, blueprintId: 'sleepers' });
  const from = performance.now();
  const started = await Promise.all(
    ids.map((deploymentId) =>
      stand.core.executions.start(stand.admin, { deploymentId, workflow: 'install' }),
    ),
  );
  const ends = await Promise.all(started.map(({ id }) => ended(stand, id)));
  const seconds = (performance.now() - from) / 1000;
  if (ends.some((end) => end !== 'terminated')) throw new Error(ends.join(' '));
  for (const worker of workers) await worker.stop();
  const rate = (deployments * instances * 3) / seconds;
  if (count === 1) one = rate;
  rows.push({
    workers: count,
    seconds,
    'operations/s': rate,
    'times one worker': rate / one,
    'limit: operations/s': (count * room) / SLEEP,
  });
}
await stand.close();
report('workers', rows, [
  `${deployments} installs of ${instances} instances, three operations of ${SLEEP * 1000} ms each; ${room} at once in a worker`,
]);
