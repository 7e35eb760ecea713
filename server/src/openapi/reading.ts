/** Reading an OpenAPI document: references followed, operations in their order. Pure, and shared with the pages that show documents. */
import { isObject, type Json, type JsonObject } from './components.js';

const METHODS = ['get', 'put', 'post', 'patch', 'delete'];

export interface Described {
  /** Upper case. */
  readonly method: string;
  readonly path: string;
  readonly id: string;
  readonly tag: string;
  readonly operation: JsonObject;
}

/** What `part` is, or what it refers to; an empty object where the reference leads nowhere. */
export function resolved(document: JsonObject, part: Json | undefined): JsonObject {
  let at = part;
  // A chain of references is short; one that is not goes in a circle.
  for (let steps = 0; isObject(at) && typeof at.$ref === 'string' && steps < 10; steps++) {
    at = found(document, at.$ref);
  }
  return isObject(at) && typeof at.$ref !== 'string' ? at : {};
}

function found(document: JsonObject, reference: string): Json | undefined {
  if (!reference.startsWith('#/')) return undefined;
  return reference
    .slice(2)
    .split('/')
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<Json | undefined>(
      (at, key) => (isObject(at) && Object.hasOwn(at, key) ? at[key] : undefined),
      document,
    );
}

/** In the order of the document: by path, within a path by method. */
export function operationsOf(document: JsonObject): readonly Described[] {
  const paths = isObject(document.paths) ? document.paths : {};
  return Object.entries(paths).flatMap(([path, methods]) =>
    !isObject(methods)
      ? []
      : METHODS.flatMap((method) => {
          const operation = methods[method];
          if (!isObject(operation)) return [];
          const [tag] = listOf(operation.tags);
          return [
            {
              method: method.toUpperCase(),
              path,
              id: textOf(operation.operationId) || `${method} ${path}`,
              tag: textOf(tag) || 'Others',
              operation,
            },
          ];
        }),
  );
}

export function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}

export function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

/** Members that are objects themselves, in their order. */
export function membersOf(value: Json | undefined): readonly (readonly [string, JsonObject])[] {
  if (!isObject(value)) return [];
  return Object.entries(value).filter((entry): entry is [string, JsonObject] => isObject(entry[1]));
}
