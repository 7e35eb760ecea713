/** Properties of nodes and instances with their functions evaluated, where one that has no value must not hide the others. */
import type { Json, JsonObject } from '../dsl/plan.js';
import { DomainError } from '../errors.js';
import { bounded, type Evaluation, type EvaluationSubject, type SecretSource } from './evaluation.js';

/** Properties, and the instance that SELF means in them. */
export interface Evaluable {
  readonly properties: JsonObject;
  readonly self?: string;
}

/** For callers who may only read: nothing that they read tells a secret. */
export const NO_SECRETS: SecretSource = {
  async reveal() {
    throw new DomainError(
      'forbidden',
      'permission-denied',
      'its value needs the permission `deployments.write`',
    );
  },
};

/**
 * The properties in the given order. A property that cannot be evaluated is told as `<ERROR: reason>`, as outputs are.
 *
 * @throws DomainError `invalid` (`function-evaluation-failed`) when all of it is too large to be told
 */
export async function evaluatedProperties(
  evaluation: Evaluation,
  subject: EvaluationSubject,
  all: readonly Evaluable[],
): Promise<JsonObject[]> {
  const told = new Array<JsonObject>(all.length);
  for (const places of placesBy(all, (one) => one.self ?? '')) {
    const { self } = all[places[0]!]!;
    const within = self === undefined ? subject : { ...subject, self };
    const given = places.map((place) => all[place]!.properties);
    // Nearly always everything has a value, and one pass loads what all of it names.
    const found =
      (await attempt<JsonObject[]>(evaluation, within, given)) ??
      (await Promise.all(given.map((properties) => oneByOne(evaluation, within, properties))));
    for (const [index, place] of places.entries()) told[place] = found[index]!;
  }
  return bounded(told as Json[]) as JsonObject[];
}

/** Places of items that belong together, in the order of their first. */
export function placesBy<Item>(items: readonly Item[], key: (item: Item) => string): Iterable<number[]> {
  const places = new Map<string, number[]>();
  for (const [place, item] of items.entries()) {
    const known = places.get(key(item));
    if (known === undefined) places.set(key(item), [place]);
    else known.push(place);
  }
  return places.values();
}

async function attempt<Found extends Json>(
  evaluation: Evaluation,
  subject: EvaluationSubject,
  value: Json,
): Promise<Found | null> {
  try {
    return (await evaluation.evaluate(value, subject)) as Found;
  } catch (error) {
    if (error instanceof DomainError) return null;
    throw error;
  }
}

async function oneByOne(
  evaluation: Evaluation,
  subject: EvaluationSubject,
  properties: JsonObject,
): Promise<JsonObject> {
  const whole = await attempt<JsonObject>(evaluation, subject, properties);
  if (whole !== null) return whole;
  const told: Record<string, Json> = {};
  for (const [name, value] of Object.entries(properties)) {
    try {
      told[name] = await evaluation.evaluate(value, subject);
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      told[name] = `<ERROR: ${error.message}>`;
    }
  }
  return told;
}
