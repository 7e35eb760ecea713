/** What the description says about a path: which operations it has. Pure. */
import type { JsonObject } from '../../src/openapi/components.js';
import { type Described, operationsOf } from '../../src/openapi/reading.js';

export class Operations {
  readonly #all: readonly (Described & { readonly pattern: RegExp; readonly variables: number })[];

  constructor(document: JsonObject) {
    this.#all = operationsOf(document).map((each) => ({
      ...each,
      pattern: patternOf(each.path),
      variables: each.path.split('{').length,
    }));
  }

  /** The operations of a path, without its query; words of a template count more than its variables. */
  at(path: string): readonly Described[] {
    const plain = path.replace(/\/+/g, '/').replace(/(.)\/$/, '$1');
    const fitting = this.#all.filter(({ pattern }) => pattern.test(plain));
    const fewest = Math.min(...fitting.map(({ variables }) => variables));
    return fitting.filter(({ variables }) => variables === fewest);
  }

  find(method: string, path: string): Described | undefined {
    return this.at(path).find((each) => each.method === method);
  }
}

function patternOf(path: string): RegExp {
  const parts = path
    .replace(/(.)\/$/, '$1')
    .split(/\{[^{}]*\}/)
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('[^/]+')}$`);
}
