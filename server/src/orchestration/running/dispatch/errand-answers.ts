/** What the walk answers to an operation that runs elsewhere. */
import type { Json } from '../../../dsl/plan.js';
import { DomainError, type ErrorKind, notFound } from '../../../errors.js';
import type { Surroundings } from '../../../plugins/plugin.js';
import type { DispatchedRequest } from '../attempt-request.js';
import { Fenced } from '../ledger.js';
import type { Question } from './dispatcher.js';
import type { SeenProperties } from './property-patches.js';

export type Answer =
  | { readonly value: Json }
  | { readonly error: { readonly kind: ErrorKind; readonly reason: string; readonly message: string } };

const LATER = Symbol('the walk is over before it has answered');

export function isLeftForLater(answer: Answer | typeof LATER): answer is typeof LATER {
  return answer === LATER;
}

/** Never throws. `central`: who asks stands beside the database. */
export async function answerTo(
  request: DispatchedRequest,
  seen: SeenProperties,
  question: Question,
  central: boolean,
): Promise<Answer | typeof LATER> {
  try {
    return { value: (await answered(request, seen, question, central)) as Json };
  } catch (error) {
    if (error instanceof Fenced) return LATER;
    const known = error instanceof DomainError;
    return {
      error: {
        kind: known ? error.kind : 'unavailable',
        reason: known ? error.reason : 'not-answered',
        message: (error as Error).message,
      },
    };
  }
}

async function answered(
  request: DispatchedRequest,
  seen: SeenProperties,
  question: Question,
  central: boolean,
): Promise<unknown> {
  // Who does not stand beside the database is told no secrets beyond the inputs.
  const { evaluate, surroundings } = central ? request : request.guarded;
  switch (question.kind) {
    case 'save': {
      const changes = seen.patched(question.patches);
      await request.saveRuntimeProperties(changes);
      seen.take(changes);
      return null;
    }
    case 'read': {
      const { instance } = question;
      if (request.readRuntimeProperties === undefined) throw notFound('Node instance', instance);
      const properties = await request.readRuntimeProperties(instance);
      seen.see(instance, properties);
      return properties;
    }
    case 'evaluate':
      return evaluate(question.expression);
    case 'node':
      return required(surroundings).node(question.name, question.instance);
    case 'instance':
      return required(surroundings).instance(question.id);
    case 'agent-script':
      if (!central || request.agentScript === undefined) {
        const why = 'a worker elsewhere is not told the scripts of agents';
        throw new DomainError('forbidden', 'secret-withheld', why);
      }
      return request.agentScript();
    case 'token':
      if (!central || request.token === undefined) {
        throw new DomainError(
          'unavailable',
          'token-unavailable',
          'There is no token of the API to be had here',
        );
      }
      return request.token();
  }
}

function required(surroundings: Surroundings | undefined): Surroundings {
  if (surroundings === undefined) throw notFound('Surroundings of the operation', '');
  return surroundings;
}
