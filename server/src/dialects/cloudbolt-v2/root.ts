/** Where everything is: names and paths, nothing else (seed: "Getting Started"; specs: cloudbolt.md §5). */
import { Type } from 'typebox';
import { ROOT } from './hrefs.js';
import type { Mounting } from './resource.js';

/** In the order of the seed. */
export const COLLECTIONS = [
  'jobs',
  'users',
  'rules',
  'blueprints',
  'server-actions',
  'environments',
  'servers',
  'orchestration-actions',
  'applications',
  'service-actions',
  'actions',
  'groups',
  'services',
  'os-builds',
  'orders',
  'resource-handlers',
] as const;

/** @param name of the operation: the root is served below two prefixes, since clients look for it one step up too */
export function addRoot({ scope }: Pick<Mounting, 'scope'>, name = 'root_get'): void {
  const body = Object.fromEntries(COLLECTIONS.map((each) => [each, `${ROOT}/${each}/`]));
  scope.get(
    '/',
    {
      schema: {
        tags: ['Start'],
        operationId: name,
        summary: 'All collections',
        response: { 200: Type.Record(Type.String(), Type.String()) },
      },
    },
    async (_request, reply) => reply.type('application/json').send(JSON.stringify(body)),
  );
}
