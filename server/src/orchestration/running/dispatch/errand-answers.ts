/** What the walk answers to an operation that runs elsewhere. */
import type { Json } from '../../../dsl/plan.js';
import { DomainError, type ErrorKind, notFound } from '../../../errors.js';
import type { OperationRequest } from '../../../plugins/plugin.js';
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

/** Never throws. */
export async function answerTo(
  request: OperationRequest,
  seen: SeenProperties,
  question: Question,
): Promise<Answer | typeof LATER> {
  try {
    return { value: (await answered(request, seen, question)) as Json };
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
  request: OperationRequest,
  seen: SeenProperties,
  question: Question,
): Promise<unknown> {
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
      return request.evaluate(question.expression);
    case 'node':
      return surroundingsOf(request).node(question.name, question.instance);
    case 'instance':
      return surroundingsOf(request).instance(question.id);
    case 'token':
      if (request.token === undefined) {
        throw new DomainError(
          'unavailable',
          'token-unavailable',
          'There is no token of the API to be had here',
        );
      }
      return request.token();
  }
}

function surroundingsOf({ surroundings }: OperationRequest) {
  if (surroundings === undefined) throw notFound('Surroundings of the operation', '');
  return surroundings;
}
