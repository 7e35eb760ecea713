/** What running an action means, before anything of it is stored: what it runs, with which inputs. Pure. */
import type { JsonObject } from '../dsl/plan.js';
import { DomainError } from '../errors.js';
import { requestProblem } from './action-request.js';
import { isScript } from './action-script.js';
import type { ActionTask, PlannedStep } from './action-task.js';
import type { ActionRow } from './actions.store.js';
import { actionInputs } from './plan-offer.js';

type Runnable = Pick<ActionRow, 'uid' | 'number' | 'name' | 'kind' | 'settings' | 'inputs' | 'source'>;

/** Why it cannot be run here; null: it can. */
export function problemOf({ kind, settings, source }: Runnable): string | null {
  if (isScript(kind)) return source.trim() === '' ? 'it has no source' : null;
  if (kind === 'webhook') return requestProblem(settings);
  if (kind !== 'flow') return `it is a ${kind}, which this server does not run`;
  const named = textOf(settings.workflow) !== '' || textOf(settings.operation) !== '';
  return named ? null : 'it names no workflow and no operation of a deployment in its settings';
}

/**
 * @param strict required inputs must be given; otherwise they may come from what a condition finds
 * @throws DomainError `invalid` (`action-not-runnable`, `parameter-unknown`, `parameter-invalid`, `parameter-missing`)
 */
export function planAction(
  action: Runnable,
  given: JsonObject,
  role: PlannedStep['role'],
  strict: boolean,
): Pick<ActionTask, 'label' | 'work' | 'inputs'> {
  const problem = problemOf(action);
  if (problem !== null) throw notRunnable(`Action '${action.name}' cannot be run: ${problem}`);
  const secret = action.inputs.find(({ type }) => String(type).toUpperCase() === 'PWD');
  if (secret !== undefined) {
    throw notRunnable(
      `Action '${action.name}' asks for the password '${String(secret.name)}', which an action cannot be given`,
    );
  }
  const asked = strict ? action.inputs : action.inputs.map((input) => ({ ...input, required: false }));
  const { inputs } = actionInputs({ number: action.number, inputs: asked }, given);
  if (action.kind !== 'flow') {
    const step = { action: action.uid, name: action.name, role };
    return { label: action.name, work: { kind: 'steps', steps: [step] }, inputs };
  }
  const operation = textOf(action.settings.operation);
  const workflow = textOf(action.settings.workflow);
  const parameters =
    operation === '' ? inputs : { operation, operation_kwargs: inputs, allow_kwargs_override: true };
  return {
    label: action.name,
    work: {
      kind: 'workflow',
      workflow: operation === '' ? workflow : 'execute_operation',
      parameters,
      ofServer: operation !== '',
      custom: false,
    },
    inputs,
  };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value.trim() : '';
}

function notRunnable(message: string): DomainError {
  return new DomainError('invalid', 'action-not-runnable', message);
}
