/** The world that operations touch: a plugin that does what it is asked, or fails, hangs, is deaf, says nonsense. */
import type { JsonObject } from '../../src/dsl/plan.js';
import type { OperationOutcome, OperationRequest, Plugin } from '../../src/plugins/plugin.js';
import type { Faults } from './faults.js';
import type { Laws } from './laws.js';
import type { SimulatedProcess } from './process.js';
import type { Random } from './random.js';
import type { Scheduler } from './scheduler.js';

export interface PluginParts {
  readonly process: SimulatedProcess;
  readonly scheduler: Scheduler;
  readonly faults: Faults;
  readonly random: Random;
  readonly laws: Laws;
}

type Answer = (request: OperationRequest) => Promise<OperationOutcome>;

export function simulatedPlugin(parts: PluginParts): Plugin {
  const { process, scheduler, faults, random, laws } = parts;

  /** Time passes in the world, whatever becomes of the process; then the process hears of it. */
  const aWhile = (least: number, most: number) =>
    new Promise<void>((resolve) => {
      scheduler.after(random.between(least, most), () => process.deliver(resolve));
    });
  const aborted = ({ signal }: OperationRequest) =>
    new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve());
    });
  const failed = (retryable: boolean): OperationOutcome => {
    const after = random.chance(0.3) ? { retryAfter: random.pick([0, 1, 30]) } : {};
    return { kind: 'failed', failure: { type: 'X', message: 'bad luck', retryable, causes: [], ...after } };
  };
  /** A mark on every instance of the operation, which the record must keep with its success. */
  const marks = (request: OperationRequest): Record<string, JsonObject> => {
    const { self, relationship } = request.context;
    const sides = self === null ? [relationship!.source, relationship!.target] : [self];
    return Object.fromEntries(
      sides.map(({ instance }) => [
        instance.id,
        { ...instance.runtimeProperties, [request.operation.id]: request.operation.attempt },
      ]),
    );
  };
  const kindly: Answer = async (request) => {
    if (request.operation.timeout === null && random.chance(0.2)) {
      await Promise.race([aWhile(100, 5000), aborted(request)]);
    } else await aWhile(0, 30);
    if (request.signal.aborted && random.chance(0.5)) return { kind: 'aborted' };
    if (random.chance(0.3)) request.log('info', 'a line');
    if (random.chance(0.1)) {
      const changes = marks(request);
      await request.saveRuntimeProperties(changes);
      laws.saved(request, changes);
    }
    const result = random.chance(0.2) ? { some: 'data' } : null;
    if (!random.chance(0.3)) return { kind: 'done', result };
    const runtimeProperties = marks(request);
    laws.marked(request, runtimeProperties);
    return { kind: 'done', result, runtimeProperties };
  };
  const unkind: readonly Answer[] = [
    async () => {
      await aWhile(0, 500);
      return failed(true);
    },
    async () => ({ kind: 'again', after: random.pick([null, 0, 5]), message: 'not yet' }),
    async () => {
      throw new Error('thrown');
    },
    async () => ({ kind: 'done', result: 1n }) as unknown as OperationOutcome,
    async () => failed(false),
    // Answers when it is told to stop.
    async (request) => {
      await aborted(request);
      await aWhile(0, 200);
      return { kind: 'aborted' };
    },
    // Takes its time.
    async (request) => {
      await Promise.race([aWhile(10_000, 60_000), aborted(request)]);
      return request.signal.aborted ? { kind: 'aborted' } : { kind: 'done', result: null };
    },
    // Deaf, and says a lot when nobody listens any more.
    async (request) => {
      laws.deaf(request);
      await aWhile(20_000, 200_000);
      request.log('info', 'are you still there?');
      request.saveRuntimeProperties(marks(request)).catch(() => {});
      return { kind: 'done', result: 'late' };
    },
    // Stops though nobody has asked it to.
    async () => ({ kind: 'aborted' }),
    // Goes on talking after its answer.
    async (request) => {
      void aWhile(0, 3000).then(() => {
        request.log('info', 'one thing more');
        request.event('and another');
        request.saveRuntimeProperties(marks(request)).catch(() => {});
      });
      return { kind: 'done', result: null };
    },
    // Answers twice.
    (() => ({
      // biome-ignore lint/suspicious/noThenProperty: what a plugin gives back may be anything
      then(resolve: (outcome: OperationOutcome) => void) {
        resolve({ kind: 'done', result: 1 });
        resolve(failed(false));
      },
    })) as unknown as Answer,
    // Looks again before it answers.
    async (request) => {
      const [id] = Object.keys(marks(request));
      const now = await request.readRuntimeProperties!(id!);
      return { kind: 'done', result: null, runtimeProperties: { [id!]: { ...now, looked: true } } };
    },
  ];

  return {
    name: 'script',
    describe: () => ({ resumable: true }),
    async run(request) {
      laws.runs(process, request);
      const answer = faults.strikes('unkind-plugin', 0.5)
        ? faults.luck('unkind-plugin').pick(unkind)
        : kindly;
      try {
        return await answer(request);
      } finally {
        laws.answered(process, request);
      }
    },
  };
}
