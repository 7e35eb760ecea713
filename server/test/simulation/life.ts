/**
 * The life of one simulated installation, from a seed: a storm, in which everything goes wrong that can; a calm, in which
 * everything must end; and what people do then: they resume what has failed, and it must come to the end it was meant for.
 */
import type { CancelKind } from '../../src/orchestration/execution-state.js';
import { isDone } from '../../src/orchestration/planning/graph.js';
import { ALL_FAULTS, type FaultChoice } from './faults.js';
import type { Statement } from './model-database.js';
import type { ExecutionRow } from './model-rows.js';
import { aScenario, type Scenario } from './scenario.js';
import { World } from './world.js';

/** A bug that is put in on purpose: of the database's statements, or of the engine's code. */
export interface Mutation {
  readonly what: string;
  readonly statements?: (
    statements: Readonly<Record<string, Statement>>,
  ) => Readonly<Record<string, Statement>>;
  /** Returns how to take it out again. */
  readonly install?: () => () => void;
}

export interface LifeOptions {
  readonly faults?: FaultChoice;
  readonly mutation?: Mutation;
  /** Keep what happens, line by line. */
  readonly trace?: boolean;
}

export interface Verdict {
  readonly seed: number;
  /** The first promise that was broken; null: none. */
  readonly problem: string | null;
  readonly trace: readonly string[];
  readonly faults: number;
  readonly steps: number;
  readonly attempts: number;
  readonly claims: number;
  /** How executions ended when it had become calm. */
  readonly endings: readonly string[];
}

/** Everything ends within so many milliseconds of calm. */
const PATIENCE = 900_000;

export async function live(seed: number, options: LifeOptions = {}): Promise<Verdict> {
  const { mutation, faults = ALL_FAULTS } = options;
  const world = new World(
    seed,
    faults,
    options.trace === true,
    mutation?.statements ?? ((statements) => statements),
  );
  const scenario = aScenario(seed, world.database);
  const takeOut = mutation?.install?.() ?? (() => {});
  let endings: string[] = [];
  try {
    await storm(world, scenario);
    if (world.laws.problem === null) await becomeCalm(world);
    endings = world.database.all('executions').map((row) => row.status);
    if (world.laws.problem === null) await takeUp(world, scenario);
  } catch (error) {
    world.laws.broken(String((error as Error).stack ?? error));
  } finally {
    takeOut();
  }
  const { trace, scheduler, laws } = world;
  return {
    ...{ seed, problem: laws.problem, trace, faults: world.faults.count, steps: scheduler.steps },
    ...{ attempts: laws.attempts, claims: laws.claims, endings },
  };
}

async function storm(world: World, { wishes }: Scenario): Promise<void> {
  const { scheduler, random, places, people } = world;
  world.starting = wishes.length;
  for (const wish of wishes) {
    scheduler.after(wish.at, () => {
      void people.start(wish).then(() => {
        world.starting -= 1;
      });
    });
  }
  for (const place of places) world.boot(place);
  const end = random.between(5_000, 60_000);
  let raging = true;
  const next = () => {
    if (!raging) return;
    strike(world);
    scheduler.after(random.between(20, 1500), next);
  };
  next();
  await pass(world, () => scheduler.now >= end, end + 1);
  raging = false;
}

/** One chance for each kind of calamity. */
function strike(world: World): void {
  const { faults, places, database, people } = world;
  const place = world.random.pick(places);
  if (faults.strikes('crash', 0.12)) world.crash(place);
  if (faults.strikes('freeze', 0.08)) world.freeze(place);
  if (faults.strikes('stop', 0.08)) world.stop(place);
  if (faults.strikes('database-down', 0.06)) world.databaseDown();
  if (faults.strikes('database-clock', 0.08)) world.databaseClock();
  if (faults.strikes('process-clock', 0.08)) world.processClock();
  if (!faults.strikes('user', 0.15)) return;
  const luck = faults.luck('user');
  const rows = database.all('executions');
  if (rows.length === 0) return;
  const { id } = luck.pick(rows);
  if (luck.chance(0.5)) void people.cancel(id, luck.pick<CancelKind>(['cancel', 'force-cancel', 'kill']));
  else void people.resume(id, { force: luck.chance(0.5) });
}

async function becomeCalm(world: World): Promise<void> {
  const { scheduler, places, laws, people } = world;
  world.tell('--- calm');
  world.faults.cease();
  world.databaseUp();
  // One that is frozen may stay so for ever, as long as there is another.
  const last = places.findIndex((place) => place.process?.frozen !== true);
  places.forEach((place, nth) => {
    if (nth !== last && world.random.chance(0.5)) world.thaw(place);
    else if (last !== -1) place.isStuck = true;
    if (last === -1 && nth === 0) world.thaw(place);
    if (place.process !== null && place.process.fate !== null) place.process.fate = null;
  });
  // Somebody loses patience with operations that never end.
  let calm = true;
  scheduler.after(30_000, () => {
    if (!calm) return;
    for (const row of world.database.all('executions')) void people.cancel(row.id, 'cancel');
  });
  await untilRest(world, 'calm');
  calm = false;
  laws.atRest();
}

async function untilRest(world: World, when: string): Promise<void> {
  const { scheduler, laws } = world;
  const patience = scheduler.now + PATIENCE;
  const rested = await pass(world, () => !world.working, patience);
  if (rested || laws.problem !== null) return;
  const rows = world.database.all('executions').map((row) => `${row.id} ${row.status}, fence ${row.fence}`);
  laws.broken(`when it was ${when}, not everything ended: ${rows.join('; ')}`);
}

/** What failed or was cancelled is resumed, one after the other, and comes to the end it was meant for. */
async function takeUp(world: World, { models }: Scenario): Promise<void> {
  const { people, laws, database } = world;
  world.tell('--- resumed');
  for (const { uid, id } of database.all('executions')) {
    if (laws.problem !== null) return;
    // A call of before may have resumed it since.
    const mayBeTakenUp = () => ['failed', 'cancelled'].includes(database.row('executions', uid)!.status);
    if (!mayBeTakenUp()) continue;
    let told = false;
    const ask = () => {
      // A call of before may still be on its way.
      void people.resume(id, { force: true }).then((done) => {
        told ||= done;
        if (!told) world.scheduler.after(1000, ask);
      });
    };
    ask();
    const isTakenUp = () => told || !mayBeTakenUp();
    await pass(world, isTakenUp, world.scheduler.now + 60_000);
    if (!isTakenUp()) laws.broken(`execution ${id} could not be resumed`);
    await untilRest(world, 'resumed');
    const now = database.row('executions', uid)!;
    if (now.status !== 'terminated') {
      laws.broken(`execution ${id} was resumed, and is ${now.status}: ${now.error}`);
    }
  }
  if (laws.problem !== null) return;
  laws.atRest();
  for (const [deployment, model] of models) {
    const mine = database.all('executions').filter((row) => row.deploymentUid === deployment);
    if (mine.length === 1)
      checkEnd(
        world,
        mine[0]!,
        model.instances.map((one) => one.id),
      );
  }
  await pass(world, () => false, world.scheduler.now + 5_000);
  for (const { process, worker } of world.places) {
    if (!process?.alive || process.frozen || worker === null) continue;
    if (worker.executions > 0) laws.broken(`${process.name} still holds executions`);
    if (worker.operations > 0) laws.broken(`${process.name} keeps room for operations that have ended`);
  }
}

/** Whatever has happened: every task is done, and the instances are where they would be had nothing happened. */
function checkEnd(world: World, execution: ExecutionRow, instances: readonly string[]): void {
  const { laws, database } = world;
  const { tasks } = execution.graph!;
  const states = laws.states(execution.uid);
  const open = tasks.filter((task) => !isDone(states.get(task.id)!));
  if (open.length > 0)
    laws.broken(`execution ${execution.id} is terminated, and ${open.length} tasks are not done`);
  if (execution.dryRun) return;
  const wanted = new Map<string, string>();
  for (const task of tasks) {
    for (const effect of [...task.before, ...task.after]) {
      if (effect.kind === 'state') wanted.set(task.instance!, effect.state);
    }
  }
  for (const id of instances) {
    const { state } = database.row('instances', id)!;
    if (state !== (wanted.get(id) ?? state))
      laws.broken(`instance ${id} is ${state}, and should be ${wanted.get(id)}`);
  }
}

async function pass(world: World, over: () => boolean, until: number): Promise<boolean> {
  const { scheduler, laws } = world;
  // A step more or less does not matter: a broken promise ends the run.
  let checked = 0;
  const done = () => {
    checked += 1;
    return laws.problem !== null || (checked % 8 === 0 && over());
  };
  const rested = await scheduler.run(done, until, () => {});
  return rested && laws.problem === null;
}
