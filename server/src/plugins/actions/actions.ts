/**
 * Actions that people have the server run: each operation is one step of a run, which the keeper knows by its number. What it runs is a
 * script, run as the script plugin runs every script, or a request that is sent; neither ever stands in the parameters of an execution.
 */
import type { OperationOutcome, OperationRequest, Plugin } from '../plugin.js';
import type { ActionKeeper, ActionStep, StepAnswer, StepRequest } from './action-keeper.js';

export const ACTIONS_PLUGIN = 'orrery_actions';
const FUNCTION = 'run';
const SCRIPT = 'script_runner.tasks.run';
/** As the script plugin marks a line of its output. */
const PRINTED = '<out> ';
/** Characters that are kept of what a step prints, the last ones; its log has all. */
const MOST_PRINTED = 90_000;

/** @param script runs the scripts */
export function createActionsPlugin(keeper: ActionKeeper, script: Pick<Plugin, 'run'>): Plugin {
  return {
    name: ACTIONS_PLUGIN,
    // A script may run twice under one operation, as everywhere.
    describe: (functionName) => (functionName === FUNCTION ? { resumable: true } : null),
    async run(request) {
      if (request.functionName !== FUNCTION)
        return refused(`${ACTIONS_PLUGIN} has no function "${request.functionName}"`);
      const step = stepOf(request);
      if (step === null) return refused('an action is run by its number, which the server gives it');
      const prepared = await keeper.prepare(step);
      if (prepared.kind === 'refused') return refused(prepared.message);
      if (prepared.kind === 'nothing') {
        request.log('info', prepared.message);
        return { kind: 'done', result: null };
      }
      if (prepared.kind === 'request') return sent(keeper, step, prepared.request, request);
      const printed = new Printed();
      const outcome = await script.run(
        laidOver(request, {
          functionName: SCRIPT,
          inputs: prepared.inputs,
          log: (level, message) => {
            if (message.startsWith(PRINTED)) printed.add(message.slice(PRINTED.length));
            request.log(level, message);
          },
        }),
      );
      if (outcome.kind === 'done') await keeper.conclude(step, printed.lines);
      return outcome;
    },
  };
}

/** It may be sent twice, as a script may run twice: under one key, by which the other side can tell. */
async function sent(
  keeper: ActionKeeper,
  step: ActionStep,
  what: StepRequest,
  { signal, log }: Pick<OperationRequest, 'signal' | 'log'>,
): Promise<OperationOutcome> {
  const key = `${step.execution}-${step.step}`;
  let answer: StepAnswer;
  try {
    answer = await keeper.send({ ...what, headers: { ...what.headers, 'idempotency-key': key } }, signal);
  } catch (error) {
    return refused((error as Error).message);
  }
  const { origin, pathname } = new URL(what.url);
  const told = `${what.method} ${origin}${pathname}: status ${answer.status}`;
  log('info', told);
  const lines = linesOf(answer.text);
  for (const line of lines) log('info', PRINTED + line);
  if (answer.status < 200 || answer.status > 299) return refused(told);
  await keeper.conclude(step, lines);
  return { kind: 'done', result: null };
}

/** JSON is one line. */
function linesOf(text: string): string[] {
  try {
    return [JSON.stringify(JSON.parse(text))];
  } catch {
    return text.split(/\r?\n/).filter((line) => line !== '');
  }
}

function stepOf({ inputs, context }: OperationRequest): ActionStep | null {
  const { run, step } = inputs;
  if (!Number.isSafeInteger(run) || !Number.isSafeInteger(step)) return null;
  return {
    tenant: context.tenant,
    run: run as number,
    step: step as number,
    execution: context.execution.id,
  };
}

/** The request with some of it otherwise. What the engine makes when it is asked for is still made only then. */
function laidOver(
  request: OperationRequest,
  other: Pick<OperationRequest, 'functionName' | 'inputs' | 'log'>,
): OperationRequest {
  return new Proxy(request, {
    get: (target, name) => Reflect.get(Object.hasOwn(other, name) ? other : target, name),
  });
}

class Printed {
  readonly lines: string[] = [];
  #length = 0;

  add(line: string): void {
    this.lines.push(line);
    this.#length += line.length + 1;
    while (this.#length > MOST_PRINTED && this.lines.length > 1)
      this.#length -= this.lines.shift()!.length + 1;
  }
}

function refused(message: string): OperationOutcome {
  return { kind: 'failed', failure: { type: 'NonRecoverableError', message, retryable: false, causes: [] } };
}
