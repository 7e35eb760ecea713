/** The route table, as the server publishes it, in the form that requests are made from. */

export interface Schema {
  readonly [word: string]: unknown;
}

export interface PublishedRoute {
  readonly method: string;
  /** `/api/v3.1/blueprints/{id}` */
  readonly path: string;
  readonly query: readonly { readonly name: string; readonly schema: Schema }[];
  /** By media type; none: the route takes no body. */
  readonly bodies: Readonly<Record<string, Schema>>;
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}
interface Operation {
  readonly parameters?: readonly (Schema & { name: string; in: string; schema: Schema })[];
  readonly responses?: Readonly<Record<string, { readonly content?: Readonly<Record<string, unknown>> }>>;
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
}

const METHODS = new Set(['get', 'put', 'post', 'patch', 'delete']);

/** @param published an OpenAPI document; references within it are followed, into what refers to itself only so far */
export function routesOf(published: unknown): PublishedRoute[] {
  const { paths } = published as Document;
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations)
      // What streams has no end that anybody could wait for.
      .filter(([method, operation]) => METHODS.has(method) && !streams(operation))
      .map(([method, operation]) => {
        const { parameters = [], requestBody } = resolved(published, operation, 0) as Operation;
        return {
          method: method.toUpperCase(),
          path,
          query: parameters.filter((one) => one.in === 'query').map(({ name, schema }) => ({ name, schema })),
          bodies: Object.fromEntries(
            Object.entries(requestBody?.content ?? {}).map(([type, { schema }]) => [type, schema]),
          ),
        };
      }),
  );
}

function streams({ responses }: Operation): boolean {
  return responses?.['200']?.content?.['text/event-stream'] !== undefined;
}

function resolved(document: unknown, part: unknown, depth: number): unknown {
  if (Array.isArray(part)) return part.map((each) => resolved(document, each, depth));
  if (typeof part !== 'object' || part === null) return part;
  const { $ref } = part as { $ref?: unknown };
  if (typeof $ref === 'string') {
    if (depth > 6) return {};
    const found = $ref
      .slice(2)
      .split('/')
      .reduce<unknown>((at, key) => (at as Readonly<Record<string, unknown>>)[key], document);
    return resolved(document, found, depth + 1);
  }
  const { responses: _, ...rest } = part as Record<string, unknown>;
  return Object.fromEntries(
    Object.entries(rest).map(([key, each]) => [key, resolved(document, each, depth)]),
  );
}
